"""The official Python SDK at one piece of work; prints what one unit of it took, as JSON."""

import base64
import json
import random
import resource
import sys
import threading
import time

import httpx
from meshapi import ChatCompletionParams, ChatMessage, ImageGenerationParams, MeshAPI

work, times, size, count, url = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]


def picture():
    return b"\x89PNG\r\n\x1a\n" + random.Random(7).randbytes(size - 8)


def client(respond=None):
    base = url or "http://127.0.0.1"
    offline = httpx.Client(base_url=base, transport=httpx.MockTransport(respond)) if respond else None
    return MeshAPI(base_url=base, token="rsk_01JB", httpx_client=offline)


def about(pictures):
    parts = [{"type": "text", "text": "What is in this image?"}]
    for one in pictures:
        text = base64.b64encode(one).decode()
        parts.append({"type": "image_url", "image_url": {"url": "data:image/png;base64," + text}})
    return ChatCompletionParams(model="openai/gpt-4o", messages=[ChatMessage(role="user", content=parts)])


def short():
    return ChatCompletionParams(
        model="openai/gpt-4o-mini", messages=[ChatMessage(role="user", content="What is in this image?")]
    )


REPLY = {
    "id": "chatcmpl-01JB", "object": "chat.completion", "created": 1790000000, "model": "openai/gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "A picture."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 14, "completion_tokens": 60, "total_tokens": 74},
}


class Pieces(httpx.SyncByteStream):
    def __init__(self, body):
        self.body = body

    def __iter__(self):
        for start in range(0, len(self.body), 16384):
            yield self.body[start:start + 16384]


def encode():
    pictures = [picture() for _ in range(count)]
    mesh = client(lambda request: httpx.Response(200, json=REPLY))
    return lambda: mesh.chat.completions.create(about(pictures))


def decode():
    text = base64.b64encode(picture()).decode()
    body = json.dumps({"created": 1790000000, "data": [{"b64_json": text}]}).encode()
    mesh = client(lambda request: httpx.Response(200, content=body))

    def run():
        reply = mesh.images.generate(ImageGenerationParams(prompt="a rocket"))
        return base64.b64decode(reply.data[0].b64_json)

    return run


def deltas():
    chunk = json.dumps({
        "id": "chatcmpl-01JB", "object": "chat.completion.chunk", "created": 1790000000, "model": "openai/gpt-4o-mini",
        "choices": [{"index": 0, "delta": {"content": " picture"}, "finish_reason": None}],
    }, separators=(",", ":"))
    body = (f"data: {chunk}\n\n" * count + "data: [DONE]\n\n").encode()
    mesh = client(lambda request: httpx.Response(200, stream=Pieces(body)))
    return lambda: sum(1 for _ in mesh.chat.completions.stream(short()))


def event():
    text = base64.b64encode(picture()).decode()
    body = ('data: {"created":1790000000,"data":[{"b64_json":"' + text + '"}]}\n\ndata: [DONE]\n\n').encode()
    mesh = client(lambda request: httpx.Response(200, stream=Pieces(body)))
    return lambda: sum(1 for _ in mesh.images.stream(ImageGenerationParams(prompt="a rocket")))


def calls():
    mesh = client()

    def run():
        for _ in range(count):
            mesh.chat.completions.create(short())

    return run


def stream():
    mesh = client()
    return lambda: sum(1 for _ in mesh.chat.completions.stream(short()))


def uploads():
    mesh = client()
    mesh.chat.completions.create(short())
    one = picture()

    def run():
        tasks = [threading.Thread(target=lambda: mesh.chat.completions.create(about([one]))) for _ in range(count)]
        for task in tasks:
            task.start()
        for task in tasks:
            task.join()

    return run


def resident(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


run = {"encode": encode, "decode": decode, "deltas": deltas, "event": event, "calls": calls, "stream": stream, "uploads": uploads}[work]()
sample = {}
if work == "uploads":
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    before = resident("VmRSS")
    run()
    sample["resident"] = resident("VmHWM") - before
elif times > 1:
    run()
spent = []
for _ in range(times):
    start = time.process_time()
    run()
    spent.append(time.process_time() - start)
sample["cpu"] = sorted(spent)[len(spent) // 2] * 1e9
json.dump(sample, sys.stdout)

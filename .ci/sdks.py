"""What users of two other SDKs do with images, against the emulator."""

import base64
import os

import meshapi
import openai
from meshapi import ChatCompletionParams, ImageEditParams, ImageGenerationParams, ImageRef

url, key = os.environ["EMULATOR_URL"], os.environ["EMULATOR_KEY"]
with open("examples/photos/rocket.jpg", "rb") as file:
    photo = file.read()
data_url = "data:image/jpeg;base64," + base64.b64encode(photo).decode()
look = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is in this image?"},
            {"type": "image_url", "image_url": {"url": data_url}},
        ],
    }
]
PNG = b"\x89PNG"


def official():
    mesh = meshapi.MeshAPI(base_url=url, token=key)
    rows = mesh.models.list()
    free, paid = mesh.models.free(), mesh.models.paid()
    assert free and paid and len(free) + len(paid) == len(rows)
    assert mesh.models.search().total == len(rows)
    for row in rows:
        assert mesh.models.get(row.id) == row, row

    completions = mesh.chat.completions
    reply = completions.create(ChatCompletionParams(model="openai/gpt-4o", messages=look))
    text = reply.choices[0].message.content
    assert "640 x 427" in text, text
    chunks = completions.stream(ChatCompletionParams(model="openai/gpt-4o", messages=look))
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert streamed == text, streamed
    refused = ChatCompletionParams(model="nobody/nothing", messages=look)
    try:
        completions.create(refused)
        raise AssertionError("a model that is not there answered")
    except meshapi.MeshAPIError as error:
        assert error.status == 404 and error.error_code == "model_not_found", vars(error)

    wish = {"model": "openai/gpt-image-1", "prompt": "a red circle on blue"}
    drawn = mesh.images.generate(ImageGenerationParams(**wish)).data[0].image_bytes()
    assert drawn.startswith(PNG), drawn[:8]
    chunks = list(mesh.images.stream(ImageGenerationParams(**wish, partial_images=2)))
    assert chunks[-1].data[0].image_bytes() == drawn
    assert len([chunk for chunk in chunks if chunk.status == "partial"]) == 2
    for image in (data_url, data_url.split(",")[1], ImageRef(url=data_url)):
        edit = ImageEditParams(model="openai/gpt-image-1", image=image, prompt="make it darker")
        assert mesh.images.edit(edit).data[0].image_bytes().startswith(PNG)


def by_openai():
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    assert "openai/gpt-4o" in [row.id for row in client.models.list()]
    assert client.models.retrieve("openai/gpt-4o").id == "openai/gpt-4o"
    chat = client.chat.completions
    text = chat.create(model="openai/gpt-4o", messages=look).choices[0].message.content
    assert "640 x 427" in text, text
    chunks = list(
        chat.create(
            model="openai/gpt-4o",
            messages=look,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert streamed == text and chunks[-1].usage.total_tokens > 0
    wish = {"model": "openai/gpt-image-1", "prompt": "a green square", "response_format": "b64_json"}
    assert base64.b64decode(client.images.generate(**wish).data[0].b64_json).startswith(PNG)
    edited = client.images.edit(
        model="openai/gpt-image-1",
        image=("rocket.jpg", photo, "image/jpeg"),
        prompt="make it darker",
        response_format="b64_json",
    )
    assert base64.b64decode(edited.data[0].b64_json).startswith(PNG)
    try:
        openai.OpenAI(base_url=f"{url}/v1", api_key="rsk_", max_retries=0).models.retrieve("x")
        raise AssertionError("a key that is none was taken")
    except openai.AuthenticationError:
        pass


official()
by_openai()
print("the official Python SDK and OpenAI's list models, show, draw and edit")

"""What the terminal client meshapi-code does with images, against the emulator."""

import os

from meshapi.attachments import load_image
from meshapi.client import complete_chat, stream_chat
from meshapi.commands import fetch_models_quiet
from meshapi.tools import TOOLS

cfg = {
    "base_url": os.environ["EMULATOR_URL"] + "/v1",
    "api_key": os.environ["EMULATOR_KEY"],
    "model": "openai/gpt-4o",
}
models = fetch_models_quiet({"cfg": cfg})
assert models and cfg["model"] in [row["id"] for row in models], models

image, _ = load_image("examples/photos/rocket.jpg")
question = {"type": "text", "text": "What is in this image?"}
messages = [{"role": "user", "content": [question, image]}]
# It offers all of its tools with every question.
*pieces, meta = stream_chat(messages, cfg, tools=TOOLS)
text = "".join(piece for piece in pieces if isinstance(piece, str))
assert "640 x 427" in text, (text, meta)
assert not meta.get("tool_calls"), meta
whole, meta = complete_chat(messages, cfg, tools=TOOLS)
assert whole == text and not meta.get("tool_calls"), (whole, meta)
print(f"meshapi-code shows an image while it offers {len(TOOLS)} tools")

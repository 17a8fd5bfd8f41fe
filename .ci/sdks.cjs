// What users of OpenAI's client for Node do with images, against the emulator.

const assert = require("node:assert");
const fs = require("node:fs");
const { OpenAI, toFile } = require("openai");

const apiKey = process.env.EMULATOR_KEY;
const client = new OpenAI({ baseURL: `${process.env.EMULATOR_URL}/v1`, apiKey, maxRetries: 0 });
const photo = fs.readFileSync("examples/photos/rocket.jpg");
const url = `data:image/jpeg;base64,${photo.toString("base64")}`;
const model = "openai/gpt-4o";
const messages = [
  {
    role: "user",
    content: [
      { type: "text", text: "What is in this image?" },
      { type: "image_url", image_url: { url } },
    ],
  },
];
const isPng = (base64) => Buffer.from(base64, "base64").subarray(1, 4).toString() === "PNG";

async function main() {
  const ids = [];
  for await (const row of client.models.list()) ids.push(row.id);
  assert(ids.includes(model), `${ids}`);

  const reply = await client.chat.completions.create({ model, messages });
  const text = reply.choices[0].message.content;
  assert.match(text, /640 x 427/);
  let streamed = "";
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
    streamed += chunk.choices[0]?.delta.content ?? "";
  }
  assert.equal(streamed, text);

  const wish = { model: "openai/gpt-image-1", response_format: "b64_json" };
  const drawn = await client.images.generate({ ...wish, prompt: "a green square" });
  assert(isPng(drawn.data[0].b64_json));
  const image = await toFile(photo, "rocket.jpg", { type: "image/jpeg" });
  const edited = await client.images.edit({ ...wish, image, prompt: "make it darker" });
  assert(isPng(edited.data[0].b64_json));
  console.log("OpenAI's client for Node lists models, shows, draws and edits");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

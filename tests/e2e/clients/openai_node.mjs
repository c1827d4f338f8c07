// The official openai package of npm against a service: one JSON line for what came back.
// usage: node openai_node.mjs job|whole|tools|responses|errors URL MODEL TASK
import OpenAI from "openai";

const tell = (what, fields) => process.stdout.write(`${JSON.stringify({ what, ...fields })}\n`);
const weather = {
  name: "get_weather",
  description: "The weather in a city.",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  },
};

const programs = {
  async job(client, model, task) {
    const names = [];
    for await (const each of client.models.list()) names.push(each.id);
    tell("models", { names });
    const stream = await client.chat.completions.create({
      model,
      messages: [{ role: "user", content: task }],
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      for (const { delta, finish_reason: reason } of chunk.choices) {
        if (delta.reasoning_content) tell("reasoning", { text: delta.reasoning_content });
        if (delta.content) tell("content", { text: delta.content });
        if (reason) tell("finish", { reason, ferryman: chunk.ferryman });
      }
      if (chunk.usage) {
        const { prompt_tokens, completion_tokens } = chunk.usage;
        tell("usage", { prompt_tokens, completion_tokens });
      }
    }
  },

  async whole(client, model, task) {
    const { data, response } = await client.chat.completions
      .create({ model, messages: [{ role: "user", content: task }] })
      .withResponse();
    tell("header", { run: response.headers.get("x-ferryman-run") });
    tell("content", { text: data.choices[0].message.content });
    tell("finish", { reason: data.choices[0].finish_reason, ferryman: data.ferryman });
  },

  async tools(client, model, task) {
    const runner = client.chat.completions.runTools({
      model,
      messages: [{ role: "user", content: task }],
      tools: [
        {
          type: "function",
          function: {
            ...weather,
            parse: JSON.parse,
            function: ({ city }) => {
              tell("call", { name: weather.name, city });
              return JSON.stringify({ weather: `Rain, 14 degrees in ${city}` });
            },
          },
        },
      ],
    });
    tell("content", { text: await runner.finalContent() });
  },

  async responses(client, model, task) {
    const stream = await client.responses.create({ model, input: task, stream: true });
    let last;
    for await (const event of stream) {
      tell("event", { type: event.type, number: event.sequence_number });
      last = event;
    }
    const again = await client.responses.retrieve(last.response.id);
    tell("content", { text: again.output_text, id: again.id, status: again.status });
  },

  async errors(client, model, task) {
    const messages = [{ role: "user", content: task }];
    for (const [name, fields] of [
      ["model", { model: "gpt-4" }],
      ["parameter", { model, n: 2 }],
    ]) {
      try {
        await client.chat.completions.create({ messages, ...fields });
      } catch (error) {
        tell(name, { kind: error.constructor.name, code: error.code, param: error.param });
      }
    }
  },
};

const [what, url, model, task] = process.argv.slice(2);
const apiKey = process.env.FERRYMAN_KEY ?? "none";
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, timeout: 1800_000 });
await programs[what](client, model, task);

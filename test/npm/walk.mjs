// SPDX-License-Identifier: BSD-2-Clause
// The official TypeScript clients of MCP, the legacy and the modern one, walk through everything a server offers: list,
// call, read, get, complete, subscribe. The clients check every message, and results against outputSchema. Prints TAP.
//
//   node walk.mjs URL [--token TOKEN] [--args '{"tool":{…}}'] [--skip tool,tool] [--fails tool,tool]
//
// [--no-tasks tool,tool]: must be refused to a modern client, which does not know the extension.
// A tool whose arguments are not given is called where its schema requires none. --fails: must answer isError or an error.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const root = process.env.DEP_NPM;
const load = createRequire(path.join(root, 'package.json'));
const load1 = name => import(pathToFileURL(load.resolve(name)));
const option = (name, or) => process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : or;
const url = new URL(process.argv[2]);
const token = option('--token');
const given = JSON.parse(option('--args', '{}'));
const skip = option('--skip', '').split(',');
const fails = option('--fails', '').split(',');
const tasksOnly = option('--no-tasks', '').split(',');
const requestInit = token ? { headers: { Authorization: `Bearer ${token}` } } : undefined;
const capabilities = { sampling: {}, elicitation: { form: {} }, roots: { listChanged: false } };
const answers = {
  'sampling/createMessage': () => ({ role: 'assistant', model: 'none', stopReason: 'endTurn', content: { type: 'text', text: 'Paris' } }),
  'roots/list': () => ({ roots: [{ uri: 'file:///tmp', name: 'tmp' }] }),
  'elicitation/create': ({ params }) => ({ action: 'accept', content: fill(params.requestedSchema) }),
};

function fill(schema) {
  const content = {};
  for (const [name, p] of Object.entries(schema?.properties ?? {})) {
    if (p.default !== undefined) content[name] = p.default;
    else if (p.enum) content[name] = p.enum[0];
    else if (p.oneOf) content[name] = p.oneOf[0].const;
    else if (p.type === 'array') content[name] = [p.items.enum ? p.items.enum[0] : p.items.anyOf[0].const];
    else content[name] = { string: 'text', integer: 1, number: 1, boolean: true }[p.type];
  }
  return content;
}

let n = 0;
let failed = 0;
function ok(good, name, why) {
  n++;
  if (!good) failed++;
  console.log(`${good ? 'ok' : 'not ok'} ${n} - ${name}`);
  if (!good && why) console.log(`# ${String(why?.stack ?? why).slice(0, 800).replaceAll('\n', '\n# ')}`);
}
async function attempt(name, f) {
  try {
    const why = await f();
    ok(!why, name, why);
  } catch (e) {
    ok(false, name, e);
  }
}

async function all(list, key) {
  const found = [];
  let cursor;
  do {
    const r = await list(cursor ? { cursor } : {});
    found.push(...r[key]);
    cursor = r.nextCursor;
  } while (cursor);
  return found;
}

// A legacy tool that runs only as a task.
async function asTask(client, tool) {
  let last;
  for await (const m of client.experimental.tasks.callToolStream({ name: tool.name, arguments: given[tool.name] ?? {} })) last = m;
  if (last?.type === 'result' && !last.result.isError) return fails.includes(tool.name) ? 'it did not fail' : null;
  return fails.includes(tool.name) ? null : JSON.stringify(last);
}

async function call(client, tool) {
  if (tool.execution?.taskSupport === 'required') return asTask(client, tool);
  const args = given[tool.name];
  if (!args && tool.inputSchema.required?.length) return `no arguments are given for ${tool.name}`;
  try {
    const r = await client.callTool({ name: tool.name, arguments: args ?? {} });
    if (fails.includes(tool.name)) return r.isError ? null : 'it did not fail';
    if (r.isError) return JSON.stringify(r.content);
    if (tool.outputSchema && r.structuredContent === undefined) return 'no structuredContent';
    if (r.structuredContent !== undefined &&
        !r.content.some(c => c.type === 'text' && JSON.stringify(JSON.parse(c.text)) === JSON.stringify(r.structuredContent)))
      return 'the text does not mirror structuredContent';
  } catch (e) {
    if (tasksOnly.includes(tool.name)) return e.code === -32021 ? null : e;
    if (!fails.includes(tool.name)) throw e;
  }
  return null;
}

async function walk(client, era) {
  const tools = await all(c => client.listTools(c), 'tools');
  ok(tools.length > 0, `${era}: ${tools.length} tools`);
  for (const tool of tools) {
    if (!skip.includes(tool.name)) await attempt(`${era}: tools/call ${tool.name}`, () => call(client, tool));
  }
  const resources = await all(c => client.listResources(c), 'resources');
  for (const r of resources) {
    await attempt(`${era}: resources/read ${r.uri}`, async () =>
      (await client.readResource({ uri: r.uri })).contents.length ? null : 'no contents');
  }
  const templates = await all(c => client.listResourceTemplates(c), 'resourceTemplates');
  for (const t of templates) {
    const name = t.uriTemplate.match(/\{[+?]?([\w.-]+)/)[1];
    await attempt(`${era}: complete ${t.uriTemplate}`, async () => {
      const r = await client.complete({ ref: { type: 'ref/resource', uri: t.uriTemplate }, argument: { name, value: '' } });
      return Array.isArray(r.completion.values) ? null : 'no values';
    });
  }
  for (const p of await all(c => client.listPrompts(c), 'prompts')) {
    const args = given[p.name] ?? Object.fromEntries((p.arguments ?? []).map(a => [a.name, 'text']));
    await attempt(`${era}: prompts/get ${p.name}`, async () => {
      try {
        const r = await client.getPrompt({ name: p.name, arguments: args });
        return r.messages.length ? null : 'no messages';
      } catch (e) {
        return fails.includes(p.name) ? null : e;
      }
    });
  }
  await attempt(`${era}: an unknown tool is refused`, async () => {
    try {
      const r = await client.callTool({ name: 'no-such-tool', arguments: {} });
      return r.isError ? null : 'it was not';
    } catch (e) {
      return e.code === -32602 ? null : e;
    }
  });
}

async function legacy() {
  const { Client } = await load1('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await load1('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const types = await load1('@modelcontextprotocol/sdk/types.js');
  const client = new Client({ name: 'walk', version: '1' }, { capabilities });
  client.setRequestHandler(types.CreateMessageRequestSchema, answers['sampling/createMessage']);
  client.setRequestHandler(types.ListRootsRequestSchema, answers['roots/list']);
  client.setRequestHandler(types.ElicitRequestSchema, answers['elicitation/create']);
  const transport = new StreamableHTTPClientTransport(url, { requestInit });
  await client.connect(transport);
  ok(client.getServerCapabilities().tools, 'legacy: connected');
  await walk(client, 'legacy');
  await transport.terminateSession();
  await client.close();
}

async function modern() {
  const { Client, StreamableHTTPClientTransport } = await load1('@modelcontextprotocol/client');
  const client = new Client({ name: 'walk', version: '1' }, { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } });
  for (const [method, f] of Object.entries(answers)) client.setRequestHandler(method, f);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  ok(client.getNegotiatedProtocolVersion() === '2026-07-28', 'modern: connected', client.getNegotiatedProtocolVersion());
  await walk(client, 'modern');
  await attempt('modern: subscriptions/listen', async () => {
    const s = await client.listen({ toolsListChanged: true });
    await s.close();
  });
  await client.close();
}

for (const [name, f] of Object.entries({ legacy, modern })) {
  try {
    await f();
  } catch (e) {
    ok(false, name, e);
  }
}
console.log(`1..${n}`);
process.exit(failed ? 1 : 0);

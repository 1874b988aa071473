// SPDX-License-Identifier: BSD-2-Clause
// A client of the Model Context Protocol, revision 2026-07-28: each request stands alone, so there is no session to
// lose. The console has no other way to the node than this.

const VERSION = '2026-07-28';
const META = 'io.modelcontextprotocol/';

export class McpError extends Error {
	constructor(message, code, data, status) {
		super(message);
		this.code = code;
		this.data = data;
		this.status = status;
	}
}

// A header value as the protocol has it: plain where that is safe, else wrapped base64 of UTF-8.
function headerValue(text) {
	const plain = /^[\x20-\x7e]*$/.test(text) && text === text.trim() && !/^=\?base64\?.*\?=$/.test(text);
	if (plain)
		return text;
	const bytes = new TextEncoder().encode(text);
	return `=?base64?${btoa(String.fromCharCode(...bytes))}?=`;
}

// Feeds text in pieces, hands out the data of each server-sent event.
export class SseParser {
	constructor(onData) {
		this.onData = onData;
		this.rest = '';
		this.data = [];
	}

	push(text) {
		const lines = (this.rest + text).split(/\r\n|\n|\r/);
		this.rest = lines.pop();
		for (const line of lines) {
			if (line === '') {
				if (this.data.length)
					this.onData(this.data.join('\n'));
				this.data = [];
			} else if (line.startsWith('data:')) {
				this.data.push(line.slice(line[5] === ' ' ? 6 : 5));
			}
		}
	}
}

export class Mcp {
	// ask(request): answers what the node wants to know of a person (elicitation/create): {action, content}.
	constructor(url, ask) {
		this.url = url;
		this.ask = ask;
		this.token = null;
		this.id = 0;
		this.mirrored = new Map(); // tool -> [[argument, header]]
	}

	async post(method, params, signal) {
		const headers = {
			'Content-Type': 'application/json',
			Accept: 'application/json, text/event-stream',
			'MCP-Protocol-Version': VERSION,
			'Mcp-Method': method,
		};
		const name = params.name ?? params.uri ?? params.taskId;
		if (name !== undefined && method !== 'completion/complete')
			headers['Mcp-Name'] = headerValue(name);
		for (const [arg, header] of this.mirrored.get(params.name) ?? []) {
			const value = params.arguments?.[arg];
			if (method === 'tools/call' && value !== undefined && value !== null)
				headers[`Mcp-Param-${header}`] = headerValue(String(value));
		}
		if (this.token)
			headers.Authorization = `Bearer ${this.token}`;
		const id = ++this.id;
		const body = {
			jsonrpc: '2.0',
			id,
			method,
			params: {
				...params,
				_meta: {
					[`${META}protocolVersion`]: VERSION,
					[`${META}clientCapabilities`]: {elicitation: {form: {}}},
					[`${META}clientInfo`]: {name: 'depanneur-console', version: '1'},
				},
			},
		};
		const response = await fetch(this.url, {method: 'POST', headers, body: JSON.stringify(body), signal});
		return {response, id};
	}

	// One request; resolves to its result. What the node asks on the way is put to this.ask.
	async call(method, params = {}) {
		let round = params;
		for (let rounds = 0; rounds < 8; rounds++) {
			const result = await this.once(method, round);
			if (result.resultType !== 'input_required')
				return result;
			const inputResponses = {};
			for (const [key, request] of Object.entries(result.inputRequests ?? {}))
				inputResponses[key] = await this.ask(request);
			round = {...params, inputResponses};
			if (result.requestState !== undefined)
				round.requestState = result.requestState;
		}
		throw new McpError('The node asks again and again.', 0);
	}

	async once(method, params) {
		const {response} = await this.post(method, params);
		const type = response.headers.get('Content-Type') ?? '';
		let message;
		if (type.startsWith('text/event-stream')) {
			for await (const event of this.events(response)) {
				if (event.id !== undefined)
					message = event;
			}
		} else if (type.startsWith('application/json')) {
			message = await response.json();
		}
		if (message?.error)
			throw new McpError(message.error.message, message.error.code, message.error.data, response.status);
		if (!message?.result)
			throw new McpError(`The node answered ${response.status} ${response.statusText}`, 0, null, response.status);
		return message.result;
	}

	async* events(response) {
		const decoder = new TextDecoder();
		const queue = [];
		const parser = new SseParser((data) => queue.push(JSON.parse(data)));
		const reader = response.body.getReader();
		for (;;) {
			const {done, value} = await reader.read();
			if (done)
				return;
			parser.push(decoder.decode(value, {stream: true}));
			while (queue.length)
				yield queue.shift();
		}
	}

	// Which arguments are mirrored in headers, from the tools' schemas.
	async learn() {
		let cursor;
		const tools = [];
		do {
			const page = await this.call('tools/list', cursor === undefined ? {} : {cursor});
			tools.push(...page.tools);
			cursor = page.nextCursor;
		} while (cursor !== undefined);
		this.mirrored.clear();
		for (const tool of tools) {
			const found = [];
			for (const [arg, schema] of Object.entries(tool.inputSchema.properties ?? {})) {
				if (schema['x-mcp-header'])
					found.push([arg, schema['x-mcp-header']]);
			}
			if (found.length)
				this.mirrored.set(tool.name, found);
		}
		return tools;
	}

	// The structured result of a tool. A failure of the tool is thrown.
	async tool(name, args = {}) {
		const result = await this.call('tools/call', {name, arguments: args});
		const text = result.content?.find((c) => c.type === 'text')?.text ?? '';
		if (result.isError) {
			const e = result.structuredContent?.error;
			throw new McpError(e?.message ?? e?.data?.what ?? text, e?.code, e?.data);
		}
		return result.structuredContent ?? text;
	}

	async read(uri) {
		const result = await this.call('resources/read', {uri});
		return result.contents[0]?.text ?? '';
	}

	async readJson(uri) {
		return JSON.parse(await this.read(uri));
	}

	async complete(uri, name, value) {
		const result = await this.call('completion/complete', {
			ref: {type: 'ref/resource', uri},
			argument: {name, value},
		});
		return result.completion.values;
	}

	// Follows resources until signal aborts; connects again by itself. updated(uri) for each change, state(up).
	async listen(uris, {updated, lists, state, signal}) {
		let wait = 500;
		while (!signal.aborted) {
			try {
				const {response} = await this.post('subscriptions/listen', {
					notifications: {resourceSubscriptions: uris, toolsListChanged: true},
				}, signal);
				if (!response.ok)
					throw new McpError('no stream', 0, null, response.status);
				state(true);
				wait = 500;
				for await (const event of this.events(response)) {
					if (event.method === 'notifications/resources/updated')
						updated(event.params.uri);
					else if (event.method === 'notifications/tools/list_changed')
						lists();
				}
			} catch (e) {
				if (signal.aborted)
					return;
			}
			state(false);
			await new Promise((resolve) => setTimeout(resolve, wait));
			wait = Math.min(wait * 2, 10000);
		}
	}
}

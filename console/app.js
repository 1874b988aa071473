// SPDX-License-Identifier: BSD-2-Clause
// The console: views on the node's resources, and the way of a change: stage, look at the differences, commit, confirm.
import {Mcp, McpError} from './mcp.js';
import {drawControls, drawFlows, drawLinks} from './l4s.js';
import {draw, short} from './map.js';
import {$, ask, bytes, diffList, make, state, table, tabs} from './view.js';

const DATA = 'network:///data/operational/';
const mcp = new Mcp('/mcp', ask);
const tokenKey = 'depanneur-token';
const pendingKey = 'depanneur-pending'; // {token, commitId}: the confirm button works after a reload, too
let shownView = 'network';
let following = null;
let pending = null; // {commitId, confirmBy (ms), total (ms), token?}

const problem = (e) => {
	const mend = e.data?.mend ?? e.data?.err?.mend;
	return `${e.code ? `${e.code}: ` : ''}${e.message}${mend ? `\n${mend}` : ''}`;
};

async function tryTo(form, f) {
	const place = form.querySelector('.error');
	place.textContent = '';
	try {
		await f();
	} catch (e) {
		if (e instanceof McpError && e.status === 401)
			return loggedOut();
		place.textContent = problem(e);
	}
}

/* ---- Views ---- */

const pick = (object, name) => object?.[name] ?? object?.[Object.keys(object).find((k) => k.endsWith(`:${name}`)) ?? ''];

async function showNetwork() {
	let kira;
	try {
		kira = pick(await mcp.readJson(`${DATA}kira:kira`), 'kira');
	} catch (e) {
		$('network-note').textContent = `Room kira does not answer: ${e.message}`;
		$('map').replaceChildren();
		$('map-table').replaceChildren();
		return;
	}
	const self = kira.node?.id;
	const nodes = (kira.vicinity?.node ?? []).map((n) => ({id: n.id, distance: n.distance, neighbours: n.neighbour ?? []}));
	if (self && !nodes.some((n) => n.id === self)) {
		const near = (kira.neighbours?.neighbour ?? []).map((n) => n.id);
		nodes.unshift({id: self, distance: 0, neighbours: near});
		for (const node of nodes.slice(1))
			if (near.includes(node.id) && !node.neighbours.includes(self))
				node.neighbours.push(self);
	}
	$('network-note').textContent = `This node ${self ? short(self) : ''} · ${kira.node?.address ?? ''} · ` +
		`${kira.node?.degree ?? 0} neighbours, ${kira.node?.contacts ?? 0} contacts`;
	draw($('map'), nodes);
	$('map-table').replaceChildren(table('Nodes', ['Node', 'Hops', 'Linked to'],
		nodes.map((n) => [make('code', {}, n.id), String(n.distance), n.neighbours.map(short).join(', ')])));
}

async function showInterfaces() {
	const all = pick(await mcp.readJson('network:///interfaces'), 'interfaces')?.interface ?? [];
	const addresses = (i) => ['ipv4', 'ipv6'].flatMap((f) => (pick(i, f)?.address ?? [])
		.map((a) => `${a.ip}/${a['prefix-length']}`)).join(', ');
	$('interfaces').querySelector('.live').replaceChildren(table('Interfaces',
		['Name', 'State', 'Description', 'Addresses', 'Received', 'Sent'],
		all.map((i) => [make('code', {}, i.name), state(i['oper-status'] ?? 'unknown'), i.description ?? '', addresses(i),
			bytes(i.statistics?.['in-octets'] ?? 0), bytes(i.statistics?.['out-octets'] ?? 0)])));
}

async function showRoutes() {
	const rows = [];
	for (const family of ['ipv4', 'ipv6']) {
		const data = await mcp.readJson(`network:///routing/${family}/route-table`);
		const ribs = (pick(data, 'ribs') ?? pick(data, 'routing')?.ribs)?.rib ?? [];
		for (const rib of ribs)
			for (const r of rib.routes?.route ?? []) {
				const hop = r['next-hop'] ?? {};
				const via = pick(hop, 'next-hop-address') ?? hop['special-next-hop'] ?? '';
				rows.push([make('code', {}, pick(r, 'destination-prefix') ?? ''), via, hop['outgoing-interface'] ?? '',
					(r['source-protocol'] ?? '').replace(/^.*:/, ''), String(r['route-preference'] ?? '')]);
			}
	}
	$('routes').querySelector('.live').replaceChildren(
		table('Routes', ['Destination', 'Next hop', 'Interface', 'From', 'Preference'], rows));
}

// Read once a second while it is shown.
let looking = null;
async function showQueues() {
	clearTimeout(looking);
	let data;
	try {
		data = pick(await mcp.readJson(`${DATA}l4s:l4s`), 'l4s') ?? {};
		$('queues-note').textContent = '';
	} catch (e) {
		if (e.status === 401)
			throw e;
		$('queues-note').textContent = `Room l4s does not answer: ${e.message}`;
		data = {};
	}
	drawControls($('controls'), data);
	drawLinks($('links'), data, performance.now());
	drawFlows($('flows'), data);
	$('controls-load').disabled = data['control-state']?.loaded !== false;
	$('controls-unload').disabled = !data['control-state']?.loaded;
	looking = setTimeout(() => shownView === 'queues' && !$('app').hidden && refresh('queues'), 1000);
}

// By the datastore, as any other change: it is in the history, and can be undone there.
function setControls(load) {
	const own = `${candidate()}-l4s`;
	tryTo($('queues'), async () => {
		await mcp.tool('network.yang.edit', {target: 'candidate', candidate: own,
			edit: [{path: 'l4s:l4s/controls/load', operation: 'merge', value: load}]});
		await mcp.tool('network.commit', {candidate: own, comment: `congestion controls ${load ? 'on' : 'off'}`});
		await showQueues();
	});
}
$('controls-load').addEventListener('click', () => setControls(true));
$('controls-unload').addEventListener('click', () => setControls(false));

async function showConfig() {
	let diff;
	try {
		diff = await mcp.tool('network.diff', {candidate: candidate()});
	} catch (e) {
		if (e.code !== -32089)
			throw e;
		diff = {diff: []};
	}
	$('diff').replaceChildren(diffList(diff.diff));
	if (diff.conflicts?.length)
		$('diff').append(make('p', {class: 'error'}, `Running changed in the same place: ${diff.conflicts.join(', ')}. ` +
			'Discard, and stage the change again.'));
}

async function showHistory() {
	const {commits} = await mcp.tool('network.history');
	let steps = 0;
	$('history').querySelector('.live').replaceChildren(table('Commits, newest first',
		['Commit', 'Time', 'User', 'Comment', 'State', 'Changes', ''],
		commits.map(c => [make('code', {}, c.commitId), c.time?.replace('T', ' ').replace(/\.\d+Z/, ' UTC') ?? '', c.user,
			c.comment ?? '', state(c.state), ...(c.state === 'rolled-back' ? [`${c.changes}`, ''] : undoable(c, ++steps))])));
}

function undoable(c, steps) {
	return [make('button', {onclick: () => showCommit(c.commitId)}, `${c.changes}`),
		make('button', {onclick: () => rollBack(steps, c.commitId)}, 'Undo this and later')];
}

async function showCommit(commitId) {
	let diff;
	try {
		({diff} = await mcp.tool('network.diff', {commitId}));
	} catch (e) {
		$('history').querySelector('.error').textContent = problem(e);
		return;
	}
	$('history-diff').replaceChildren(make('h3', {}, `Changes of ${commitId}`), diffList(diff));
	$('history-diff').focus();
}

async function rollBack(steps, commitId) {
	const sure = await ask({params: {message: `Undo ${commitId} and everything later?`, requestedSchema: {properties: {}}}});
	if (sure.action !== 'accept')
		return;
	const place = $('history').querySelector('.error');
	place.textContent = '';
	try {
		await mcp.tool('network.rollback', {steps});
	} catch (e) {
		place.textContent = problem(e);
	}
	await refresh();
}

async function showAudit() {
	const lines = (await mcp.read('network:///audit/last50')).split('\n').filter(Boolean).map((l) => JSON.parse(l)).reverse();
	$('audit').querySelector('.live').replaceChildren(table('Audit records, newest first',
		['No.', 'Time', 'Who', 'From', 'What', 'Outcome'],
		lines.map((r) => [String(r.seq), r.ts ?? '', r.principal?.sub ?? '',
			`${r.principal?.transport ?? ''} ${r.principal?.addr ?? ''}`, r.tool ?? r.method ?? '', state(r.outcome)])));
}

async function showLog() {
	const place = $('log').querySelector('.live');
	const atEnd = place.scrollTop + place.clientHeight >= place.scrollHeight - 4;
	place.textContent = await mcp.read('network:///log/syslog/last200');
	if (atEnd)
		place.scrollTop = place.scrollHeight;
}

const views = {network: showNetwork, interfaces: showInterfaces, routes: showRoutes, queues: showQueues,
	config: showConfig, history: showHistory, audit: showAudit, log: showLog};
const follows = {
	'network:///interfaces': ['interfaces'], 'network:///routing/ipv4/route-table': ['routes'],
	'network:///routing/ipv6/route-table': ['routes'], 'network:///log/syslog/last200': ['log'],
	'network:///data/operational/kira:kira': ['network'], 'network:///data/operational/l4s:l4s': ['queues'],
	'network:///transaction': ['pending', 'history'],
};

async function refresh(name = shownView) {
	try {
		await views[name]();
	} catch (e) {
		if (e.status === 401)
			loggedOut();
		else
			$('link').textContent = problem(e);
	}
}

/* ---- A change ---- */

// One private candidate a browser tab.
function candidate() {
	let name = sessionStorage.getItem('depanneur-candidate');
	if (!name) {
		name = `console-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
		sessionStorage.setItem('depanneur-candidate', name);
	}
	return name;
}

function parseValue(text) {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

$('edit').addEventListener('submit', (e) => {
	e.preventDefault();
	const form = e.target;
	tryTo(form, async () => {
		const edit = {path: form.elements.path.value, operation: form.elements.operation.value};
		if (edit.operation !== 'delete')
			edit.value = parseValue(form.elements.value.value);
		await mcp.tool('network.yang.edit', {target: 'candidate', candidate: candidate(), edit: [edit]});
		form.elements.value.value = '';
		await showConfig();
	});
});

let completing = null;
$('edit').elements.path.addEventListener('input', (e) => {
	clearTimeout(completing);
	completing = setTimeout(async () => {
		try {
			const values = await mcp.complete('network:///data/{datastore}/{+path}', 'path', e.target.value);
			$('paths').replaceChildren(...values.map((value) => make('option', {value})));
		} catch { /* no proposals, then */ }
	}, 150);
});

$('show-path').addEventListener('click', () => tryTo($('edit'), async () => {
	const got = await mcp.tool('network.yang.get', {path: $('edit').elements.path.value, datastore: 'running'});
	$('shown').textContent = JSON.stringify(got, null, 2);
	$('shown').hidden = false;
}));

async function commit(dryRun) {
	const form = $('commit');
	await tryTo(form, async () => {
		const confirmed = Number(form.elements.confirmed.value);
		const args = {candidate: candidate(), confirmed, dryRun};
		if (form.elements.comment.value)
			args.comment = form.elements.comment.value;
		const r = await mcp.tool('network.commit', args);
		$('commit-said').textContent = dryRun ? `Valid: ${r.diff.length} changes.` +
			(r.warnings?.includes('management-path') ? ' It touches the way by which you are connected.' : '')
			: r.state === 'no-change' ? 'Nothing to commit.' : `${r.commitId}: ${r.state}.`;
		if (r.state === 'pending-confirm') {
			sessionStorage.setItem(pendingKey, JSON.stringify({token: r.token, commitId: r.commitId}));
			await showPending();
			$('pending-confirm').focus();
		}
		if (!dryRun)
			await showConfig();
	});
}

$('commit').addEventListener('submit', (e) => {
	e.preventDefault();
	commit(false);
});
$('check').addEventListener('click', () => commit(true));
$('discard').addEventListener('click', () => tryTo($('commit'), async () => {
	await mcp.tool('network.discard', {candidate: candidate()});
	await showConfig();
}));

/* ---- What waits for confirmation ---- */

async function showPending() {
	let now = null;
	try {
		now = (await mcp.readJson('network:///transaction')).pending ?? null;
	} catch { /* shown as not pending */ }
	const mine = JSON.parse(sessionStorage.getItem(pendingKey) ?? 'null');
	if (pending && !now && mine?.commitId === pending.commitId)
		sessionStorage.removeItem(pendingKey);
	const left = now?.remainingMs ?? 0; // none while it is applied or taken back
	pending = now && {
		...now,
		until: performance.now() + left,
		total: pending?.commitId === now.commitId ? Math.max(pending.total, left) : left,
		token: mine?.commitId === now.commitId ? mine.token : undefined,
	};
	$('pending').hidden = !pending;
	if (!pending)
		return;
	$('pending-text').textContent = `${pending.commitId} by ${pending.user}. Without confirmation the node returns to the ` +
		'configuration before it.' + (pending.token ? '' : ' It was begun elsewhere; only who has its token can confirm it.');
	$('pending-confirm').disabled = !pending.token;
	$('pending-cancel').disabled = !pending.token;
	countDown();
}

function countDown() {
	if (!pending)
		return;
	const left = Math.max(0, pending.until - performance.now());
	const s = Math.ceil(left / 1000);
	$('pending-left').textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
	$('pending-bar').value = pending.total ? left / pending.total : 0;
	for (const mark of [30, 10])
		if (s === mark)
			$('pending-alarm').textContent = `${mark} seconds left to confirm ${pending.commitId}.`;
}
setInterval(() => {
	countDown();
	if (pending && pending.until < performance.now() - 200)
		showPending().then(() => refresh());
}, 250);

async function endPending(args, said) {
	try {
		const r = await mcp.tool('network.commit', args);
		$('commit-said').textContent = `${r.commitId}: ${said}.`;
	} catch (e) {
		$('pending-alarm').textContent = problem(e);
		$('commit-said').textContent = problem(e);
	}
	await showPending();
	await refresh();
}
$('pending-confirm').addEventListener('click', () => endPending({phase: 'confirm', token: pending.token}, 'confirmed'));
$('pending-cancel').addEventListener('click', () => endPending({phase: 'abort', token: pending.token}, 'rolled back'));

/* ---- Audit ---- */

$('verify').addEventListener('click', async () => {
	$('verified').textContent = 'Reading …';
	try {
		const r = await mcp.tool('network.audit.verify');
		$('verified').textContent = r.ok ? `The chain of ${r.records} records is whole.` : `Record ${r.badSeq} is not what was written.`;
	} catch (e) {
		$('verified').textContent = problem(e);
	}
});

/* ---- Coming and going ---- */

function loggedOut() {
	sessionStorage.removeItem(tokenKey);
	mcp.token = null;
	following?.abort();
	$('app').hidden = true;
	$('pending').hidden = true;
	$('logout').hidden = true;
	$('login').hidden = false;
	$('login').elements.user.focus();
}

$('logout').addEventListener('click', loggedOut);

$('login').addEventListener('submit', (e) => {
	e.preventDefault();
	const form = e.target;
	tryTo(form, async () => {
		const response = await fetch('/console/login', {
			method: 'POST',
			headers: {'Content-Type': 'application/json'},
			body: JSON.stringify({user: form.elements.user.value, password: form.elements.password.value}),
		});
		const said = await response.json().catch(() => ({}));
		form.elements.password.value = '';
		if (!response.ok)
			throw new Error(said.error ?? `The node answered ${response.status}.`);
		sessionStorage.setItem(tokenKey, said.token);
		await enter();
	});
});

function follow() {
	const soon = new Map();
	following?.abort();
	following = new AbortController();
	mcp.listen(Object.keys(follows), {
		signal: following.signal,
		state: (up) => {
			$('link').textContent = up ? 'live' : 'connection lost; trying again';
			if (up) {
				showPending();
				refresh();
			}
		},
		lists: () => mcp.learn().catch(() => {}),
		updated: (uri) => {
			for (const view of follows[uri] ?? []) {
				if (view === 'pending') {
					showPending();
				} else if (view === shownView && !soon.has(view)) {
					soon.set(view, setTimeout(() => {
						soon.delete(view);
						refresh(view);
					}, 100));
				}
			}
		},
	});
}

const start = tabs(document.querySelector('[role=tablist]'), (name) => {
	shownView = name;
	if (!$('app').hidden)
		refresh(name);
});

async function enter() {
	mcp.token = sessionStorage.getItem(tokenKey);
	let about;
	try {
		about = await mcp.call('server/discover');
		await mcp.learn();
	} catch (e) {
		if (e.status === 401)
			return loggedOut();
		$('link').textContent = problem(e);
		setTimeout(enter, 2000);
		return;
	}
	const info = about._meta?.['io.modelcontextprotocol/serverInfo'];
	$('node').textContent = info ? `${info.title ?? info.name} ${info.version}` : '';
	$('login').hidden = true;
	$('app').hidden = false;
	$('logout').hidden = !mcp.token;
	start();
	await showPending();
	follow();
}

enter();

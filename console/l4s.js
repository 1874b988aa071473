// SPDX-License-Identifier: BSD-2-Clause
// Queues and congestion controls: what went through each queue since the last look, how long it waited, and who sends.
import {make, state, table} from './view.js';

const SVG = 'http://www.w3.org/2000/svg';
const KEPT = 60; // looks back, for the lines
const past = new Map(); // link/direction -> [{p, l4s, classic}]
let before = null; // {at, data}

export const seconds = (ns) => ns >= 1e9 ? `${(ns / 1e9).toFixed(1)} s` : ns >= 1e6 ? `${(ns / 1e6).toFixed(1)} ms`
	: `${Math.round(ns / 1e3)} µs`;
export const rate = (b) => b >= 1e9 ? `${(b / 1e9).toFixed(2)} Gb/s` : b >= 1e6 ? `${(b / 1e6).toFixed(1)} Mb/s`
	: `${Math.round(b / 1e3)} kb/s`;

function element(name, attributes, parent) {
	const e = document.createElementNS(SVG, name);
	for (const [key, value] of Object.entries(attributes))
		e.setAttribute(key, value);
	parent?.append(e);
	return e;
}

// What a histogram grew by; counters that were reset begin anew.
function grown(now, old) {
	const was = new Map((old?.delay?.bucket ?? []).map((b) => [b.to, Number(b.count)]));
	return (now?.delay?.bucket ?? []).map((b) => {
		const count = Number(b.count) - (was.get(b.to) ?? 0);
		return {to: Number(b.to), count: count < 0 ? Number(b.count) : count};
	});
}

function quantile(buckets, q) {
	const all = buckets.reduce((sum, b) => sum + b.count, 0);
	let sum = 0;
	for (const b of buckets) {
		sum += b.count;
		if (all && sum >= q * all)
			return b.to;
	}
	return null;
}

const BOUNDS = [25, 50, 100, 200, 300, 400, 500, 600, 800, 1000, 1200, 1500, 2000, 3000, 5000, 7000, 10000, 12000, 15000,
	18000, 20000, 25000, 30000, 50000, 100000, 250000, 1000000].map((us) => us * 1000);

// Two rows of bars over one axis: L4S above, Classic below.
function histogram(queues) {
	const W = 540;
	const H = 60;
	const step = W / BOUNDS.length;
	const svg = element('svg', {viewBox: `0 0 ${W} ${queues.length * (H + 14) + 14}`, role: 'img', class: 'histogram'});
	element('title', {}, svg).textContent = 'Queue delay of packets since the last look; the table has median and p99';
	queues.forEach(({name, buckets}, row) => {
		const top = Math.max(1, ...buckets.map((b) => b.count));
		const base = row * (H + 14) + H;
		element('text', {x: 2, y: base - H + 11}, svg).textContent = name;
		element('line', {x1: 0, x2: W, y1: base, y2: base}, svg);
		for (const b of buckets) {
			const i = BOUNDS.findIndex((to) => b.to <= to);
			const h = (b.count / top) * (H - 12);
			if (b.count)
				element('rect', {x: ((i < 0 ? BOUNDS.length - 1 : i) * step + 1).toFixed(1), width: (step - 2).toFixed(1),
					y: (base - h).toFixed(1), height: h.toFixed(1), class: name.toLowerCase()}, svg);
		}
	});
	for (const [us, text] of [[100, '0.1'], [1000, '1'], [5000, '5'], [15000, '15'], [100000, '100 ms']])
		element('text', {x: (BOUNDS.indexOf(us * 1000) * step).toFixed(1), y: queues.length * (H + 14) + 4}, svg).textContent = text;
	return svg;
}

// A line of the last minute.
function spark(values, name) {
	const W = 160;
	const H = 28;
	const top = Math.max(...values, 1e-9);
	const svg = element('svg', {viewBox: `0 0 ${W} ${H}`, role: 'img', class: 'spark'});
	element('title', {}, svg).textContent = name;
	element('polyline', {points: values.map((v, i) =>
		`${((i * W) / (KEPT - 1)).toFixed(1)},${(H - 1 - (v / top) * (H - 2)).toFixed(1)}`).join(' ')}, svg);
	return svg;
}

function direction(link, dir, old, dt) {
	const key = `${link.name}/${dir.name}`;
	const queues = [['L4S', 'l4s'], ['Classic', 'classic']].filter(([, q]) => dir[q]).map(([name, q]) => ({
		name, now: dir[q], old: old?.[q], buckets: grown(dir[q], old?.[q]),
	}));
	const line = past.get(key) ?? [];
	line.push({p: Number(dir.probability), l4s: quantile(queues.find((q) => q.name === 'L4S')?.buckets ?? [], 0.99) ?? 0,
		classic: quantile(queues.find((q) => q.name === 'Classic')?.buckets ?? [], 0.5) ?? 0});
	past.set(key, line.slice(-KEPT));
	const per = (q, name) => dt && q.old ? Math.max(0, Number(q.now[name]) - Number(q.old[name])) / dt : 0;
	const delay = (q, at) => {
		const ns = q.now['delay-now'] ?? quantile(q.buckets, at);
		return ns === null ? '–' : seconds(Number(ns));
	};
	return make('section', {class: 'direction', 'data-link': key},
		make('h3', {}, `${link.name}, ${dir.name}: ${rate(Number(dir.rate))}, ${dir.aqm}, back end ${link.backend} `,
			dir.overloaded ? state('overload') : null, link.bad ? state('bad timing') : null),
		make('p', {}, 'p′ ', make('b', {class: 'p'}, Number(dir.probability).toFixed(4)),
			'  p_CL ', make('b', {class: 'p-cl'}, Number(dir['probability-l4s'] ?? 0).toFixed(4)),
			'  p_C ', make('b', {class: 'p-c'}, Number(dir['probability-classic'] ?? 0).toFixed(4)),
			spark(past.get(key).map((x) => x.p), 'p′ over the last minute'),
			dir.l4s ? spark(past.get(key).map((x) => x.l4s), 'p99 of the L4S queue over the last minute') : null,
			spark(past.get(key).map((x) => x.classic), 'median of the Classic queue over the last minute')),
		table(`Queues of ${key}`, ['Queue', 'Packets now', 'Rate', 'Marks/s', 'Drops/s', 'Median ≤', 'p99 ≤'],
			queues.map((q) => [q.name, String(q.now.packets), rate(per(q, 'forwarded-bytes') * 8), per(q, 'marked').toFixed(0),
				per(q, 'dropped').toFixed(0), delay(q, 0.5), delay(q, 0.99)])),
		queues.some((q) => q.now.delay) ? histogram(queues) : null,
		dir.hint ? make('p', {class: 'dim'}, `Hint: ${dir.hint}`) : null);
}

function link(l, old, dt) {
	if (l.status !== 'up')
		return [make('p', {class: 'error'}, `${l.name}: ${l.reason ?? 'failed'}${l.mend ? ` (${l.mend})` : ''}`)];
	return (l.direction ?? []).filter((d) => d.classic).map((d) =>
		direction(l, d, old?.direction?.find((o) => o.name === d.name), dt));
}

export function drawLinks(into, data, now) {
	const dt = before ? (now - before.at) / 1000 : 0;
	const was = new Map((before?.data['link-state']?.link ?? []).map((l) => [l.name, l]));
	const parts = (data['link-state']?.link ?? []).flatMap((l) => link(l, was.get(l.name), dt));
	into.replaceChildren(...(parts.length ? parts : [make('p', {class: 'dim'}, 'No links. Configuration: l4s:l4s/link.')]));
	before = {at: now, data};
}

export function drawFlows(into, data) {
	const n = (v, digits) => v === undefined ? '' : Number(v).toFixed(digits);
	const flows = [...data.flows?.flow ?? []].sort((a, b) => Number(b.rate ?? 0) - Number(a.rate ?? 0)).slice(0, 200);
	into.replaceChildren(table('Connections', ['Control', 'Local', 'Remote', 'Rate', 'Window', 'Round trip', 'Marks/RTT', 'α', 'β',
		'Classic score'], flows.map((f) => [f.control, `${f['local-address']} ${f['local-port']}`,
		`${f['remote-address']} ${f['remote-port']}`, rate(Number(f.rate ?? 0)), String(f.window),
		seconds(f['round-trip'] * 1000), n(f['mark-rate'], 2), n(f.alpha, 4), n(f.beta, 3), n(f['classic-score'], 2)])));
}

export function drawControls(into, data) {
	const s = data['control-state'] ?? {};
	into.replaceChildren(
		make('p', {}, state(s.loaded ? 'up' : 'down'), s.loaded ? ' in the kernel' : ' not loaded', ` by ${s.by ?? 'nobody'}`,
			s.reason ? make('span', {class: 'error'}, ` ${s.reason}${s.mend ? ` (${s.mend})` : ''}`) : null),
		...(s.control ?? []).map((c) => make('p', {}, make('code', {}, c.name),
			` ${c.parameters}: ${c.open} open, ${c.sockets} ever; AccECN ${c.accecn}, Classic ECN ${c['classic-ecn']}, ` +
			`none ${c['no-ecn']}; marks ${c.marks}; reductions ${c.reductions?.mark} by mark, ${c.reductions?.loss} by loss`,
			c.hint ? make('span', {class: 'dim'}, ` Hint: ${c.hint}`) : null)));
}

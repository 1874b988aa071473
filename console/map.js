// SPDX-License-Identifier: BSD-2-Clause
// The neighbourhood of a KIRA node as a drawing: rings by distance, then forces that pull linked nodes together. The
// same vicinity gives the same picture.

const W = 900;
const H = 520;
const SVG = 'http://www.w3.org/2000/svg';

function element(name, attributes, parent) {
	const e = document.createElementNS(SVG, name);
	for (const [key, value] of Object.entries(attributes))
		e.setAttribute(key, value);
	parent?.append(e);
	return e;
}

// nodes: [{id, distance, neighbours: [id]}]
function place(nodes) {
	const rings = new Map();
	for (const node of nodes) {
		const ring = rings.get(node.distance) ?? [];
		ring.push(node);
		rings.set(node.distance, ring);
	}
	for (const [distance, ring] of rings) {
		ring.forEach((node, i) => {
			const angle = (2 * Math.PI * i) / ring.length + distance;
			node.x = W / 2 + Math.cos(angle) * distance * 120;
			node.y = H / 2 + Math.sin(angle) * distance * 70;
		});
	}
	const at = new Map(nodes.map((n) => [n.id, n]));
	for (let round = 0; round < 120; round++) {
		for (const a of nodes) {
			let fx = (W / 2 - a.x) * 0.004;
			let fy = (H / 2 - a.y) * 0.004;
			for (const b of nodes) {
				if (a === b)
					continue;
				const dx = a.x - b.x;
				const dy = a.y - b.y;
				const d2 = Math.max(dx * dx + dy * dy, 25);
				const pull = a.neighbours.includes(b.id) ? (Math.sqrt(d2) - 110) * 0.02 : 0;
				fx += (dx / d2) * 90 - (dx / Math.sqrt(d2)) * pull;
				fy += (dy / d2) * 90 - (dy / Math.sqrt(d2)) * pull;
			}
			if (a.distance === 0)
				continue;
			a.x = Math.min(W - 60, Math.max(60, a.x + Math.max(-8, Math.min(8, fx))));
			a.y = Math.min(H - 40, Math.max(30, a.y + Math.max(-8, Math.min(8, fy))));
		}
	}
	return at;
}

export const short = (id) => id.replace(/[^0-9a-f]/gi, '').slice(0, 6);

export function draw(into, nodes) {
	const at = place(nodes);
	const svg = element('svg', {viewBox: `0 0 ${W} ${H}`, role: 'img'});
	const title = element('title', {}, svg);
	title.textContent = `${nodes.length} nodes; the table below has the same`;
	for (const a of nodes) {
		for (const id of a.neighbours) {
			const b = at.get(id);
			if (b && a.id < b.id)
				element('line', {x1: a.x, y1: a.y, x2: b.x, y2: b.y}, svg);
		}
	}
	for (const node of nodes) {
		const g = element('g', {
			class: node.distance === 0 ? 'node self' : 'node',
			transform: `translate(${node.x.toFixed(1)} ${node.y.toFixed(1)})`,
		}, svg);
		element('circle', {r: node.distance === 0 ? 11 : 8}, g);
		element('text', {y: 24}, g).textContent = short(node.id);
		element('title', {}, g).textContent = node.id;
	}
	into.replaceChildren(svg);
}

// SPDX-License-Identifier: BSD-2-Clause
// Small builders. Everything from the node goes in as text, never as markup.

export const $ = (id) => document.getElementById(id);

export function make(name, attributes = {}, ...children) {
	const e = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (key.startsWith('on'))
			e.addEventListener(key.slice(2), value);
		else if (value !== undefined && value !== null && value !== false)
			e.setAttribute(key, value === true ? '' : value);
	}
	e.append(...children.filter((c) => c !== null && c !== undefined));
	return e;
}

export function table(caption, heads, rows) {
	const head = make('tr', {}, ...heads.map((h) => make('th', {scope: 'col'}, h)));
	const body = rows.map((cells) => make('tr', {}, ...cells.map((c) => make('td', {}, c ?? ''))));
	return make('div', {class: 'scroll'}, make('table', {}, make('caption', {class: 'sr'}, caption),
		make('thead', {}, head), make('tbody', {}, ...body)));
}

export const state = (text) => make('span', {class: `state ${text}`}, text);

const SIGN = {create: '+', delete: '−', replace: '~', move: '↕'};

export function diffList(changes) {
	if (!changes.length)
		return make('p', {class: 'dim'}, 'No differences.');
	return make('ul', {class: 'diff'}, ...changes.map((c) => {
		const from = c.old !== undefined && c.old !== null ? ` ${JSON.stringify(c.old)}` : '';
		const to = c.new !== undefined && c.new !== null ? ` ${JSON.stringify(c.new)}` : '';
		const values = c.op === 'replace' ? `${from} →${to}` : from || to;
		return make('li', {class: c.op}, make('span', {'aria-hidden': 'true'}, `${SIGN[c.op] ?? '?'} `),
			make('span', {class: 'sr'}, `${c.op} `), c.path, values);
	}));
}

export function bytes(n) {
	const units = ['B', 'kB', 'MB', 'GB', 'TB'];
	let value = Number(n);
	let unit = 0;
	while (value >= 1000 && unit < units.length - 1) {
		value /= 1000;
		unit++;
	}
	return `${unit ? value.toFixed(1) : value} ${units[unit]}`;
}

// Tabs by the keyboard as the ARIA pattern has it: arrows, Home, End.
export function tabs(list, shown) {
	const all = [...list.querySelectorAll('[role=tab]')];
	const select = (tab, focus) => {
		for (const t of all) {
			const on = t === tab;
			t.setAttribute('aria-selected', on);
			t.tabIndex = on ? 0 : -1;
			$(t.getAttribute('aria-controls')).hidden = !on;
		}
		if (focus)
			tab.focus();
		history.replaceState(null, '', `#${tab.getAttribute('aria-controls')}`);
		shown(tab.getAttribute('aria-controls'));
	};
	list.addEventListener('click', (e) => {
		const tab = e.target.closest('[role=tab]');
		if (tab)
			select(tab, false);
	});
	list.addEventListener('keydown', (e) => {
		const i = all.indexOf(document.activeElement);
		const to = {ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: all.length - 1}[e.key];
		if (i < 0 || to === undefined)
			return;
		e.preventDefault();
		select(all[(to + all.length) % all.length], true);
	});
	const wanted = all.find((t) => `#${t.getAttribute('aria-controls')}` === location.hash);
	return () => select(wanted ?? all[0], false);
}

// A form for what the node asks (elicitation, form mode): resolves to {action, content?}.
export function ask(request) {
	const dialog = $('ask');
	const fields = $('ask-fields');
	const {message, requestedSchema} = request.params;
	$('ask-title').textContent = message;
	fields.replaceChildren(...Object.entries(requestedSchema?.properties ?? {}).map(([name, schema]) => {
		const required = requestedSchema.required?.includes(name);
		const label = schema.title ?? name;
		if (schema.type === 'boolean') {
			return make('label', {}, make('input', {type: 'checkbox', name, checked: schema.default === true}),
				` ${label}`);
		}
		if (schema.enum) {
			return make('label', {}, label, make('select', {name},
				...schema.enum.map((v) => make('option', {selected: v === schema.default}, v))));
		}
		const number = schema.type === 'integer' || schema.type === 'number';
		return make('label', {}, label, make('input', {
			name, required: required && schema.type !== 'string', type: number ? 'number' : 'text', min: schema.minimum,
			max: schema.maximum, maxlength: schema.maxLength, value: schema.default,
		}));
	}));
	dialog.returnValue = '';
	dialog.showModal();
	return new Promise((resolve) => {
		dialog.addEventListener('close', () => {
			if (dialog.returnValue !== 'accept') {
				resolve({action: dialog.returnValue === 'decline' ? 'decline' : 'cancel'});
				return;
			}
			const content = {};
			for (const [name, schema] of Object.entries(requestedSchema?.properties ?? {})) {
				const input = fields.querySelector(`[name="${CSS.escape(name)}"]`);
				if (schema.type === 'boolean')
					content[name] = input.checked;
				else if (input.value !== '')
					content[name] = schema.type === 'integer' || schema.type === 'number'
						? Number(input.value) : input.value;
			}
			resolve({action: 'accept', content});
		}, {once: true});
	});
}

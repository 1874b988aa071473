// SPDX-License-Identifier: BSD-2-Clause
// The page Queues in Chromium. TAP; a screenshot is kept.   l4s_console.mjs URL USER PASSWORD OUTDIR
import {createRequire} from 'node:module';
import {mkdtempSync} from 'node:fs';
import {join} from 'node:path';

const require = createRequire(`${process.env.DEP_NPM}/package.json`);
const {chromium} = require('playwright-core');
const [url, user, password, out] = process.argv.slice(2);
let n = 0;
let failed = 0;
const check = (ok, what) => {
	n++;
	failed += !ok;
	console.log(`${ok ? 'ok' : 'not ok'} ${n} - ${what}`);
};

const browser = await chromium.launchPersistentContext(mkdtempSync('/tmp/chromium-'), {
	executablePath: '/usr/bin/chromium', headless: true, viewport: {width: 1200, height: 850},
	args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
		'--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage();
page.setDefaultTimeout(15000);
const problems = [];
page.on('pageerror', (e) => problems.push(String(e)));
page.on('console', (m) => {
	if (m.type() === 'error' && !/40[13]/.test(m.text()))
		problems.push(m.text());
});

try {
	await page.goto(url);
	await page.getByLabel('User').fill(user);
	await page.getByLabel('Password').fill(password);
	await page.keyboard.press('Enter');
	await page.locator('#app').waitFor();
	await page.getByRole('tab', {name: 'Queues'}).click();
	const dir = page.locator('[data-link="wan/forward"]');
	await dir.waitFor();
	check(/20\.0 Mb\/s, dualpi2/.test(await dir.locator('h3').textContent()), 'the link has its rate and queue manager');

	// Live: a probability that moves, bars of both queues, packets a second.
	const seen = new Set();
	for (let i = 0; i < 40 && seen.size < 3; i++) {
		seen.add(await dir.locator('.p').textContent());
		await page.waitForTimeout(300);
	}
	check(seen.size >= 3, `p′ moves (${[...seen].join(' ')})`);
	await dir.locator('rect.l4s').first().waitFor();
	await dir.locator('rect.classic').first().waitFor();
	check(true, 'both queues have bars of delay');
	check(await dir.locator('.spark polyline').count() >= 3, 'lines of the last minute');
	const text = await dir.locator('table').innerText();
	check(/L4S[^\n]*Mb\/s/.test(text) && /Classic[^\n]*Mb\/s/.test(text), `both queues carry traffic (${text.replace(/\s+/g, ' ')})`);

	await page.locator('#flows td', {hasText: 'prague'}).first().waitFor();
	const flows = await page.locator('#flows').innerText();
	check(/prague/.test(flows) && /cubic/.test(flows) && /10\.1\.0\.2 5001/.test(flows), 'the connections are listed');
	check(/dep_prague_t/.test(await page.locator('#controls').innerText()), 'the controls are told of');
	await page.screenshot({path: join(out, 'console-queues.png')});

	// Off and on: a commit each.
	await page.locator('#controls-unload:not([disabled])').click();
	await page.locator('#controls', {hasText: 'not loaded'}).waitFor();
	check(true, 'a click takes the controls out of the kernel');
	await page.locator('#controls-load:not([disabled])').click();
	await page.locator('#controls', {hasText: 'in the kernel'}).waitFor();
	check(true, 'another puts them back');
	await page.getByRole('tab', {name: 'History'}).click();
	await page.locator('#history td', {hasText: 'congestion controls off'}).first().waitFor();
	check(true, 'both are in the history');

	await page.getByRole('tab', {name: 'Queues'}).click();
	await dir.waitFor();
	const unnamed = await page.evaluate(() => [...document.querySelectorAll('#queues button, #queues svg')].filter((e) =>
		!(e.textContent.trim() || e.getAttribute('aria-label'))).map((e) => e.outerHTML));
	check(unnamed.length === 0, `buttons and drawings have names ${unnamed}`);
	await page.setViewportSize({width: 380, height: 800});
	check(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing is cut off on a phone');
	check(problems.length === 0, `no error in the page ${problems}`);
} catch (e) {
	await page.screenshot({path: join(out, 'console-queues-failed.png')}).catch(() => {});
	check(false, `${e.message.split('\n')[0]} ${problems}`);
}
await browser.close();
console.log(`1..${n}`);
process.exit(failed ? 1 : 0);

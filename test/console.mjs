// SPDX-License-Identifier: BSD-2-Clause
// The console in Chromium, as a person uses it: by mouse, by keyboard, in light and dark. TAP; screenshots are kept.
// console.mjs URL USER PASSWORD OUTDIR; CONSOLE_CHANGE: a shell command that changes an interface behind our back.
import {execSync} from 'node:child_process';
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
	executablePath: '/usr/bin/chromium', headless: true, ignoreHTTPSErrors: true, viewport: {width: 1200, height: 850},
	args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
		'--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage();
page.setDefaultTimeout(15000);
const problems = [];
page.on('pageerror', (e) => problems.push(String(e)));
page.on('console', (m) => {
	// The browser itself reports answers of 401 and 403 as errors; they are the way to and from the login form.
	if (m.type() === 'error' && !/40[13]/.test(m.text()))
		problems.push(m.text());
});
page.on('request', (r) => {
	if (!r.url().startsWith(url) && !r.url().startsWith('data:'))
		problems.push(`request to ${r.url()}`);
});
const shot = (name) => page.screenshot({path: join(out, `console-${name}.png`)});
const tab = (name) => page.getByRole('tab', {name}).click();

try {
	// Coming in.
	await page.goto(url);
	await page.getByRole('heading', {name: 'Log in'}).waitFor();
	check(true, 'without a token there is the login form');
	await shot('login');
	await page.getByLabel('User').fill(user);
	await page.getByLabel('Password').fill('wrong');
	await page.getByRole('button', {name: 'Log in'}).click();
	await page.locator('#login .error:not(:empty)').waitFor();
	check(await page.locator('#app').isHidden(), 'a wrong password is refused, with a message');
	await page.getByLabel('Password').fill(password);
	await page.keyboard.press('Enter');
	await page.locator('#app').waitFor();
	check(true, 'the right one opens the views, by the Enter key');
	await page.locator('#link', {hasText: 'live'}).waitFor();
	check(true, 'the page follows the node');

	// The network.
	await page.locator('#map circle').first().waitFor();
	check(await page.locator('#map circle').count() >= 2, 'the drawing has this node and a neighbour');
	await page.locator('#network summary').click();
	check(await page.locator('#map-table tbody tr').count() === await page.locator('#map circle').count(),
		'the table has the same nodes');
	await shot('network');

	// Interfaces, live.
	await tab('Interfaces');
	await page.locator('#interfaces td', {hasText: 'x0'}).first().waitFor();
	execSync(process.env.CONSOLE_CHANGE);
	await page.locator('#interfaces tr', {hasText: 'x0'}).locator('.state.down').waitFor();
	check(true, 'an interface that goes down is shown without a reload');
	await shot('interfaces');
	await tab('Routes');
	await page.locator('#routes td', {hasText: '10.9.0.0/24'}).first().waitFor();
	check(true, 'routes are listed');

	// A change: stage, look, commit, confirm.
	await tab('Configuration');
	await page.getByLabel('Path').fill('ietf-interfaces:interfaces/interface=v0/descr');
	await page.locator('#paths option[value*="description"]').waitFor({state: 'attached'});
	check(true, 'the path is completed from the schema');
	await page.getByLabel('Path').fill('ietf-interfaces:interfaces/interface=v0/description');
	await page.getByLabel('Value').fill('<b>from the console</b>');
	await page.getByRole('button', {name: 'Stage'}).click();
	await page.locator('#diff li', {hasText: '<b>from the console</b>'}).waitFor();
	check(await page.locator('#diff b').count() === 0, 'the staged change is shown as text, not as markup');
	await page.getByRole('button', {name: 'Check only'}).click();
	await page.locator('#commit-said', {hasText: 'Valid'}).waitFor();
	await page.getByLabel('Roll back unless confirmed within').selectOption('30');
	await page.getByLabel('Comment').fill('by hand');
	await page.getByRole('button', {name: 'Commit', exact: true}).click();
	await page.locator('#pending').waitFor();
	const first = await page.locator('#pending-left').textContent();
	await page.waitForFunction((was) => document.getElementById('pending-left').textContent !== was, first);
	check(/^0:[0-3]\d$/.test(first), `the countdown runs (${first} …)`);
	await shot('pending');
	await page.reload();
	await page.locator('#pending').waitFor();
	check(await page.getByRole('button', {name: 'Confirm'}).isEnabled(), 'after a reload it can still be confirmed');
	await page.getByRole('button', {name: 'Confirm'}).click();
	await page.locator('#pending').waitFor({state: 'hidden'});
	check(true, 'one click confirms');

	// Rolled back at once, and by the deadline.
	for (const how of ['button', 'deadline']) {
		await tab('Configuration');
		await page.getByLabel('Path').fill('ietf-interfaces:interfaces/interface=v0/description');
		await page.getByLabel('Value').fill(how);
		await page.getByRole('button', {name: 'Stage'}).click();
		await page.locator('#diff li', {hasText: how}).waitFor();
		await page.evaluate(() => {
			const select = document.querySelector('#commit [name=confirmed]');
			select.append(new Option('2 seconds', '2'));
		});
		await page.getByLabel('Roll back unless confirmed within').selectOption(how === 'button' ? '60' : '2');
		await page.getByRole('button', {name: 'Commit', exact: true}).click();
		await page.locator('#pending').waitFor();
		if (how === 'button')
			await page.getByRole('button', {name: 'Roll back now'}).click();
		await page.locator('#pending').waitFor({state: 'hidden'});
	}
	check(true, 'a commit ends by the button and by its deadline, and the page shows it');

	// History and audit.
	await tab('History');
	await page.locator('#history td', {hasText: 'by hand'}).waitFor();
	check(true, 'history has the commit with its comment');
	await page.locator('#history tr', {hasText: 'by hand'}).getByRole('button', {name: 'Undo this and later'}).click();
	await page.getByRole('dialog').getByRole('button', {name: 'Send'}).click();
	await page.locator('#history tbody tr').nth(1).waitFor();
	await shot('history');
	await tab('Audit');
	await page.getByRole('button', {name: 'Verify the chain'}).click();
	await page.locator('#verified', {hasText: 'whole'}).waitFor();
	check(await page.locator('#audit tbody tr').count() > 3, 'the audit lists records and verifies');
	await shot('audit');

	// By keyboard alone.
	await page.getByRole('tab', {name: 'Audit'}).focus();
	await page.keyboard.press('ArrowRight');
	check(await page.getByRole('tab', {name: 'Log'}).getAttribute('aria-selected') === 'true', 'arrow keys change the view');
	await page.keyboard.press('Home');
	check(await page.evaluate(() => document.activeElement.id) === 'tab-network', 'Home goes to the first');
	const unnamed = await page.evaluate(() => [...document.querySelectorAll('button, input, select, textarea')].filter((e) =>
		!(e.textContent.trim() || e.labels?.length || e.getAttribute('aria-label'))).map((e) => e.outerHTML));
	check(unnamed.length === 0, `every control has a name ${unnamed}`);

	// Light, dark, narrow.
	await page.emulateMedia({colorScheme: 'dark'});
	await tab('Network');
	await page.locator('#map circle').first().waitFor();
	await shot('dark');
	const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	await page.emulateMedia({colorScheme: 'light'});
	const light = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	check(dark !== light, `dark is dark (${dark}, ${light})`);
	await page.setViewportSize({width: 380, height: 800});
	check(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing is cut off on a phone');
	await shot('phone');
	await page.setViewportSize({width: 1200, height: 850});

	// The log.
	await tab('Log');
	await page.locator('#log pre:not(:empty)').waitFor();
	check(true, 'the log has lines');

	await page.getByRole('button', {name: 'Log out'}).click();
	check(await page.locator('#login').isVisible(), 'logging out brings the form back');
	check(problems.length === 0, `no error in the page, nothing asked of others ${problems}`);
} catch (e) {
	await shot('failed').catch(() => {});
	check(false, `${e.message.split('\n')[0]} ${problems}`);
}
await browser.close();
console.log(`1..${n}`);
process.exit(failed ? 1 : 0);

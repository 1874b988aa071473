/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/daemon/web.h"

#include <stdio.h>
#include <string.h>

/* Made by base/embed.py of console/. */
extern const char console_index_html[];
extern const char console_style_css[];
extern const char console_icon_svg[];
extern const char console_app_js[];
extern const char console_mcp_js[];
extern const char console_l4s_js[];
extern const char console_map_js[];
extern const char console_view_js[];

static const struct file {
	const char *path;
	const char *type;
	const char *text;
} files[] = {
	{"/", "text/html; charset=utf-8", console_index_html},
	{"/style.css", "text/css; charset=utf-8", console_style_css},
	{"/icon.svg", "image/svg+xml", console_icon_svg},
	{"/app.js", "text/javascript; charset=utf-8", console_app_js},
	{"/mcp.js", "text/javascript; charset=utf-8", console_mcp_js},
	{"/l4s.js", "text/javascript; charset=utf-8", console_l4s_js},
	{"/map.js", "text/javascript; charset=utf-8", console_map_js},
	{"/view.js", "text/javascript; charset=utf-8", console_view_js},
};

static void send_file(struct http_req *r, const struct file *f)
{
	/* No script but our own files, nothing from elsewhere, no frame around it. */
	static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
				     "img-src 'self'; connect-src 'self'; base-uri 'none'; "
				     "form-action 'none'; frame-ancestors 'none'";
	const struct http_field field[] = {
		{"content-type", f->type},
		{"content-security-policy", policy},
		{"x-content-type-options", "nosniff"},
		{"referrer-policy", "no-referrer"},
		{"cross-origin-opener-policy", "same-origin"},
		{"cache-control", "no-cache"},
	};

	http_reply(r, 200, field, sizeof(field) / sizeof(field[0]),
		   slice_of(f->text, strlen(f->text)));
}

bool web_serve(struct http_req *r)
{
	static const struct http_field allow = {"allow", "GET, HEAD"};
	struct slice method = http_method(r);
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(files[i].path, http_path(r)) != 0)
			continue;
		if (slice_eq(method, SLICE_LIT("GET")) || slice_eq(method, SLICE_LIT("HEAD")))
			send_file(r, &files[i]);
		else
			http_reply(r, 405, &allow, 1, (struct slice){0});
		return true;
	}
	return false;
}

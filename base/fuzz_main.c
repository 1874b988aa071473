/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a fuzz target over files: the corpus as a test, or one input that crashed. Prints TAP, one point a directory or
 * file named. libFuzzer brings its own main; this one is for every other build. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;
	int rc = -1;

	if (!f)
		return -1;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
		/* Exactly as long as the input, so that the sanitizer sees any overrun. */
		data = malloc((size_t)size ? (size_t)size : 1);
		if (data && fread(data, 1, (size_t)size, f) == (size_t)size) {
			LLVMFuzzerTestOneInput(data, (size_t)size);
			rc = 0;
		}
		free(data);
	}
	fclose(f);
	return rc;
}

/* Number of files run, or -1. */
static int run_dir(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);
	int done = 0;
	int i;

	for (i = 0; i < n; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.' && done >= 0)
			done = run_file(file) == 0 ? done + 1 : -1;
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return n < 0 ? -1 : done;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;
	int i;

	printf("1..%d\n", argc - 1);
	for (i = 1; i < argc; i++) {
		struct stat st;
		int n = -1;

		if (stat(argv[i], &st) == 0)
			n = S_ISDIR(st.st_mode) ? run_dir(argv[i]) : run_file(argv[i]) == 0;
		failed |= n < 1;
		printf("%sok %d - %s: %d inputs\n", n < 1 ? "not " : "", i, argv[i], n);
	}
	return failed;
}

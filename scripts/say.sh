# Sourced by the other scripts: how they speak, and what they agree on.

# say tells what happens next; it goes to stderr, so that results can be piped.
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

# die ends the script and says what to do about it.
die() {
	printf '\033[1;31merror:\033[0m %s\n' "$*" >&2
	exit 1
}

# postgres_bins lists the folders of the installed PostgreSQL servers, oldest first.
postgres_bins() {
	local initdb
	if [[ -n "${PG_BIN:-}" ]]; then
		echo "$PG_BIN"
		return
	fi
	for initdb in /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /opt/homebrew/opt/postgresql@*/bin/initdb; do
		if [[ -x "$initdb" ]]; then dirname "$initdb"; fi
	done | sort -V
}

# browser names the browser that tests use, if there is one.
browser() { command -v "${CHROMIUM:-chromium}" || command -v chromium-browser || command -v google-chrome; }

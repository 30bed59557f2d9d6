package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFolder(t *testing.T) {
	var out bytes.Buffer
	text := "short\n" + strings.Repeat("ä", 2000) + "\n\nend"
	for i := range len(text) { // byte by byte, as badly as can be
		if n, err := (&folder{to: &out}).Write([]byte{text[i]}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if out.String() != text {
		t.Error("single bytes were changed")
	}
	out.Reset()
	f := &folder{to: &out}
	for _, part := range []string{text[:100], text[100:2501], text[2501:]} {
		if n, err := f.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	for i, line := range strings.Split(out.String(), "\n") {
		if len(line) > maxLine+utf8.UTFMax || !utf8.ValidString(line) {
			t.Errorf("line %d has %d bytes, valid UTF-8: %t", i+1, len(line), utf8.ValidString(line))
		}
	}
	if got := strings.ReplaceAll(out.String(), "\n", ""); got != strings.ReplaceAll(text, "\n", "") {
		t.Error("folding changed the text")
	}
	f = &folder{to: failing{}}
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("the writer's error is lost")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args   []string
		status int
	}{
		{[]string{"-h"}, 0}, {[]string{"help"}, 0}, {[]string{"up", "--help"}, 0},
		{nil, exitUsage}, {[]string{"down"}, exitUsage}, {[]string{"up", "--force"}, exitUsage}, {[]string{"up", "3"}, exitUsage},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), test.args, nil, &stdout, &stderr)
		if code != test.status || stdout.String()+stderr.String() != usage || (stdout.Len() > 0) != (code == 0) {
			t.Errorf("%q: status %d, output %q, errors %q", test.args, code, &stdout, &stderr)
		}
	}
}

func TestWithoutADatabase(t *testing.T) {
	for name, value := range map[string]string{"REDSHIFT_WORKGROUP": "", "REDSHIFT_DATABASE": "dev", "READERS": "", "MIGRATE_WAIT": ""} {
		t.Setenv(name, value)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"up"}, strings.NewReader(""), &stdout, &stderr)
	if want := "migrate: which database? REDSHIFT_WORKGROUP and REDSHIFT_DATABASE must be set\n"; code != exitFailed || stderr.String() != want {
		t.Errorf("status %d, errors %q, want 1 and %q", code, &stderr, want)
	}
}

// TestInterruptedWhileItReads: one interrupt is enough while nobody has sent the SQL.
func TestInterruptedWhileItReads(t *testing.T) {
	t.Setenv("REDSHIFT_WORKGROUP", "ev-dev")
	t.Setenv("REDSHIFT_DATABASE", "dev")
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"up"}, waiting{cancel, t.Context().Done()}, &stdout, &stderr)
	if want := "migrate: reading the packed SQL from standard input: context canceled\n"; code != exitInterrupted || stderr.String() != want {
		t.Errorf("status %d, errors %q, want 130 and %q", code, &stderr, want)
	}
}

// waiting is a standard input on which nothing comes.
type waiting struct {
	asked func()
	end   <-chan struct{}
}

func (w waiting) Read([]byte) (int, error) {
	w.asked()
	<-w.end
	return 0, io.EOF
}

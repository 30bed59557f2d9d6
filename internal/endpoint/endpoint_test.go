package endpoint_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/evstream/internal/endpoint"
)

func TestCheckTLS(t *testing.T) {
	for base, ok := range map[string]bool{
		"https://kinesis.us-east-1.amazonaws.com": true,
		"http://127.0.0.1:4567":                   true,
		"http://[::1]:4567":                       true,
		"http://localhost:4567":                   true,
		"http://kinesis.us-east-1.amazonaws.com":  false,
		"http://localhost.example.com":            false,
		"http://127.0.0.1.example.com":            false,
		"http://127.0.0.1@example.com":            false,
		"http://10.0.0.1":                         false,
		"http://0.0.0.0:80":                       false,
		"ftp://example.com":                       false,
		"kinesis.us-east-1.amazonaws.com":         false,
		"http://user:password@example.com":        false,
		"http://user:password@exa mple.com":       false,
	} {
		err := endpoint.CheckTLS(&base)
		if (err == nil) != ok {
			t.Errorf("CheckTLS(%q) = %v, want ok %t", base, err, ok)
		}
		if err != nil && strings.Contains(err.Error(), "password") {
			t.Errorf("CheckTLS(%q) shows the password: %v", base, err)
		}
	}
	if err := endpoint.CheckTLS(nil); err != nil {
		t.Errorf("CheckTLS of AWS's own endpoint = %v", err)
	}
}

// TestEveryClientIsChecked: no program makes a client of a service without a
// check of its endpoint.
func TestEveryClientIsChecked(t *testing.T) {
	var sources []string
	for _, pattern := range []string{"../../cmd/*/*.go", "../../cmd/*/*/*.go", "../*/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, found...)
	}
	clients := 0
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		made := len(regexp.MustCompile(`\b\w+\.(NewFromConfig|New)\((cfg|\w+\.Options\{)`).FindAll(text, -1))
		checked := strings.Count(string(text), "endpoint.CheckTLS(")
		if made != checked {
			t.Errorf("%s makes %d clients and checks %d endpoints", source, made, checked)
		}
		clients += made
	}
	if clients < 3 {
		t.Errorf("only %d clients were found", clients)
	}
}

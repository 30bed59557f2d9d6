package ci

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSupplyChain: what is built is what go.sum names, of every module here, and
// nothing is fetched by a name that can come to mean something else.
func TestSupplyChain(t *testing.T) {
	makefile, ci := read(t, "../../Makefile"), read(t, "../../.ci/run")
	lint := regexp.MustCompile(`(?ms)^lint:.*?\n\n`).FindString(makefile)
	moving := regexp.MustCompile(`@(latest|main|master|upgrade)\b|\| *(ba)?sh\b|GONOSUMDB|GONOSUMCHECK|GOINSECURE|GOFLAGS=-mod=mod|GOSUMDB=off`)
	modules := 0
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "bin" || entry.Name() == ".git" || entry.Name() == ".pulumi"):
			return filepath.SkipDir
		case entry.Name() != "go.mod":
			return nil
		}
		modules++
		verify := "\tgo mod verify\n"
		if folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../../"); folder != "../.." {
			verify = "\tgo -C " + folder + " mod verify\n"
		}
		if !strings.Contains(lint, verify) {
			t.Errorf("make lint lacks %q", strings.TrimSpace(verify))
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "go.sum")); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, replaced := range regexp.MustCompile(`=> (\S+)`).FindAllStringSubmatch(read(t, path), -1) {
			if !slices.Contains([]string{"..", "../", "../emulator"}, replaced[1]) {
				t.Errorf("%s replaces a module by %s", path, replaced[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if modules < 3 {
		t.Errorf("%d modules were found", modules)
	}

	texts := actions(t)
	texts["Makefile"], texts[".ci/run"] = makefile, ci
	for name, text := range texts {
		if found := moving.FindString(text); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
	for _, check := range []string{"make lint", "make vulnerabilities"} {
		for _, name := range []string{"check.yml", ".ci/run"} {
			if !strings.Contains(texts[name], check) {
				t.Errorf("%s does not run %s", name, check)
			}
		}
	}
	if !strings.Contains(makefile, "go tool -modfile=tools/go.mod govulncheck ./...") {
		t.Error("make vulnerabilities does not run govulncheck")
	}
	if !strings.Contains(read(t, "../../LICENSE"), "Apache License") {
		t.Error("LICENSE is not the Apache License that the README names")
	}
}

package ci

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestTheProgramIsLean: what pulumi up compiles has no cgo, nothing of the tests
// or the rehearsal, and not the AWS SDK's package ec2, whose compilation takes
// more memory than many machines have.
func TestTheProgramIsLean(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}} {{len .CgoFiles}}{{end}}", ".")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	unwanted := regexp.MustCompile(`/aws/ec2$|duckdb|rehearsal|go-cmp|testscript|gonum|goose|^testing`)
	packages := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(packages) < 50 {
		t.Fatalf("only %d packages: %q", len(packages), out)
	}
	for _, line := range packages {
		path, cgoFiles, _ := strings.Cut(line, " ")
		if cgoFiles != "0" {
			t.Errorf("%s needs cgo", path)
		}
		if unwanted.MatchString(path) {
			t.Errorf("the program compiles %s", path)
		}
	}
}

// TestNothingInTheTreeIsRun: pulumi up, pulumi destroy and make run what they build
// from the source that is there now, whatever lies in bin. A build that is killed can
// leave a part of a file there, and whoever may write there another program. The go
// command takes both for its own, by the id in their header, and go build keeps them.
func TestNothingInTheTreeIsRun(t *testing.T) {
	commands := map[string]string{}
	for _, r := range resources(t) {
		for _, input := range []string{"create", "delete"} {
			if command, is := r.Inputs[input].(string); is {
				commands[r.Name+" "+input] = command
			}
		}
	}
	program := regexp.MustCompile(`(?m)^    binary: (\S+)`).FindStringSubmatch(read(t, "../../Pulumi.yaml"))
	if program == nil {
		t.Fatal("Pulumi.yaml names no binary, so that Pulumi's Go host links the program for every preview")
	}
	for name, test := range map[string]struct {
		module, source string
		command        string
		want           string
	}{
		"migrate":  {".", "./cmd/migrate", commands["schema create"], "migrate [up]"},
		"snapshot": {".", "./cmd/snapshot", commands["warehouse-final-snapshot delete"], "snapshot []"},
		"program":  {".", ".", "./" + program[1], "program []"},
		"rehearse": {"rehearsal", "./cmd/rehearse", "CGO_ENABLED=1 CXX=sh make rehearse ARGS='--records 3'", "rehearse [--records 3]"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tinyProject(t)
			binary := filepath.Join(dir, "bin", name)
			run(t, dir, "go", "-C", test.module, "build", "-o", binary, test.source)
			id := strings.TrimSpace(run(t, dir, "go", "tool", "buildid", binary))
			starts := func(with string) {
				t.Helper()
				if got := run(t, dir, "/bin/sh", "-c", test.command); !strings.Contains(got, "built now: "+test.want+"\n") {
					t.Errorf("with a %s bin/%s, %q says\n%s", with, name, test.command, got)
				}
			}
			if err := os.Truncate(binary, 1_000_000); err != nil {
				t.Fatal(err)
			}
			starts("cut")
			planted := filepath.Join(t.TempDir(), "planted.go")
			writeFile(t, planted, "package main\n\nfunc main() { println(`planted`) }\n", 0o600)
			run(t, dir, "go", "build", "-ldflags", "-buildid="+id, "-o", binary, planted)
			starts("planted")
		})
	}
}

// TestStartAfterAKill: Go's build cache, too, may hold a part of a program, for
// example after a full disk.
func TestStartAfterAKill(t *testing.T) {
	dir := tinyProject(t)
	cached := builtProgram(t, dir)
	if err := os.Truncate(cached, 1_000_000); err != nil {
		t.Fatal(err)
	}
	if got := run(t, dir, "tools/start", "cmd/migrate", "up"); got != "built now: migrate [up]\n" {
		t.Errorf("with a cut %s it says\n%s", cached, got)
	}
}

// TestStartTwoAtOnce: a program that another build of the same is still writing
// can't be started for that moment.
func TestStartTwoAtOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is known to refuse such a start")
	}
	dir := tinyProject(t)
	cached := builtProgram(t, dir)
	writing, err := os.OpenFile(cached, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	start := exec.CommandContext(t.Context(), "tools/start", "cmd/migrate", "up")
	start.Dir = dir
	said, err := start.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stdout strings.Builder
	start.Stdout = &stdout
	if err := start.Start(); err != nil {
		t.Fatal(err)
	}
	first, err := bufio.NewReader(said).ReadString('\n')
	if err != nil || !strings.Contains(first, "Text file busy") {
		t.Errorf("it says %q, %v", first, err)
	}
	writing.Close()
	if err := start.Wait(); err != nil || stdout.String() != "built now: migrate [up]\n" {
		t.Errorf("once the file was written it says %q, %v", stdout.String(), err)
	}
}

// TestMakeSaysWhatIsMissing: without a compiler Go says "build constraints exclude all
// Go files", and an old Go that it does not know -C.
func TestMakeSaysWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		version, cgo, compiler string
		want                   string
	}{
		"no Go":           {want: "Go 1.26 or newer is needed"},
		"an old Go":       {version: "go1.19.8", cgo: "1", compiler: "sh", want: "Go 1.26 or newer is needed"},
		"no C compiler":   {version: "go1.26.3", cgo: "0", compiler: "sh", want: "apt install g++"},
		"no C++ compiler": {version: "go1.30", cgo: "1", compiler: "missing", want: "apt install g++"},
		"all there":       {version: "go1.26.3", cgo: "1", compiler: "sh"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "Makefile"), read(t, "../../Makefile"), 0o600)
			path := filepath.Join(dir, "path")
			for _, tool := range []string{"sh", "make"} {
				real, err := exec.LookPath(tool)
				if err != nil {
					t.Skip(err)
				}
				writeFile(t, filepath.Join(path, tool), "#!/bin/sh\nexec "+real+" \"$@\"\n", 0o700)
			}
			if test.version != "" {
				writeFile(t, filepath.Join(path, "go"), "#!/bin/sh\ncase $2 in\nGOVERSION) echo "+test.version+" ;;\nCGO_ENABLED) echo "+test.cgo+" ;;\nCXX) echo "+test.compiler+" ;;\nesac\n", 0o700)
			}
			cmd := exec.CommandContext(t.Context(), "make", "needs")
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + path}
			text, err := cmd.CombinedOutput()
			if (err == nil) != (test.want == "") || !strings.Contains(string(text), test.want) {
				t.Errorf("make needs says %q, %v; want %q", text, err, test.want)
			}
		})
	}
}

// builtProgram is where Go's build cache has the tiny project's migrate.
func builtProgram(t *testing.T, dir string) string {
	t.Helper()
	run(t, dir, "go", "run", "-exec", "true", "./cmd/migrate") // builds
	return strings.TrimSpace(run(t, dir, "go", "run", "-exec", "echo", "./cmd/migrate"))
}

// tinyProject has what starts this project's programs, and in place of each program
// one that says its name and arguments.
func tinyProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"Makefile", "tools/start"} {
		writeFile(t, filepath.Join(dir, name), read(t, "../../"+name), 0o700)
	}
	version := regexp.MustCompile(`(?m)^go .*\n`).FindString(read(t, "../../go.mod"))
	writeFile(t, filepath.Join(dir, "go.mod"), "module example.com/tiny\n\n"+version, 0o600)
	writeFile(t, filepath.Join(dir, "rehearsal/go.mod"), "module example.com/tiny/rehearsal\n\n"+version, 0o600)
	for folder, name := range map[string]string{".": "program", "cmd/migrate": "migrate", "cmd/snapshot": "snapshot", "rehearsal/cmd/rehearse": "rehearse"} {
		source := "package main\n\nimport (\n\"fmt\"\n\"os\"\n)\n\nfunc main() { fmt.Println(`built now: " + name + "`, os.Args[1:]) }\n"
		writeFile(t, filepath.Join(dir, folder, "main.go"), source, 0o600)
	}
	return dir
}

func writeFile(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// run runs a command in a folder and returns all that it prints.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v\n%s", name, args, err, text)
	}
	return string(text)
}

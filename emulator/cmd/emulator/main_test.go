package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"example.com/evstream/emulator/internal/awsjson"
)

// TestMain lets the test binary be the command.
func TestMain(m *testing.M) {
	if os.Getenv("EMULATOR") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child starts the command and returns its address once it serves.
func child(t *testing.T, args ...string) (cmd *exec.Cmd, address string) {
	t.Helper()
	cmd = exec.Command(os.Args[0], append([]string{"--port", "0"}, args...)...)
	cmd.Env = append(os.Environ(), "EMULATOR=1", "TMPDIR="+t.TempDir())
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // most often it has ended
	var all strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&all, lines.Text())
		if strings.Contains(lines.Text(), "Ctrl-C ends it") {
			break
		}
	}
	found := regexp.MustCompile(`export AWS_ENDPOINT_URL=http://(\S+)`).FindStringSubmatch(all.String())
	if found == nil {
		t.Fatalf("it prints no address:\n%s", &all)
	}
	return cmd, found[1]
}

func healthy(t *testing.T, address string) {
	t.Helper()
	answer, err := http.Get("http://" + address + awsjson.HealthPath)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(text), `"kinesis"`) {
		t.Errorf("it answers %s (error %v), want its services", text, err)
	}
}

// TestUntilCtrlC: it writes the environment, outlives clients that hang up and a terminal that
// reads no more, and ends with status 0 and an empty temporary folder at Ctrl-C.
func TestUntilCtrlC(t *testing.T) {
	file := filepath.Join(t.TempDir(), "emulator.env")
	cmd, address := child(t, "--env-file", file)
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "AWS_ENDPOINT_URL=http://"+address+"\n") {
		t.Errorf("the file has %q, error %v", text, err)
	}
	healthy(t, address)
	for range 20 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		// Two requests, so that the second answer is written to a connection that was reset.
		fmt.Fprintf(conn, "%s%[1]s", "GET "+awsjson.HealthPath+" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
		if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	healthy(t, address)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C ends it with %v", err)
	}
	for _, pair := range cmd.Env {
		if dir, ok := strings.CutPrefix(pair, "TMPDIR="); ok {
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("it leaves %v, error %v", left, err)
			}
		}
	}
}

// TestStopWhileAClientWaits: a connection that is open, in the middle of a request, keeps
// nobody waiting.
func TestStopWhileAClientWaits(t *testing.T) {
	cmd, address := child(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{")
	healthy(t, address)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM ends it with %v", err)
	}
}

func TestPortInUse(t *testing.T) {
	_, address := child(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	second := exec.Command(os.Args[0], "--port", port)
	second.Env = append(os.Environ(), "EMULATOR=1")
	if out, err := second.CombinedOutput(); second.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "Something else uses the port") {
		t.Errorf("a second one on the port: %v\n%s", err, out)
	}
}

func TestWrongUse(t *testing.T) {
	for args, want := range map[string]string{
		"now":            `unexpected argument "now"`,
		"--port 70000":   "--port 70000: must be 0 to 65535",
		"--account 12":   "--account 12: must be twelve digits",
		"--refresh 0s":   "--refresh 0s: must be longer than 0",
		"--readings a=b": `--readings a=b: "a" is no doubt`,
		"--quick":        "-quick",
	} {
		if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("emulator %s: %v, want %q", args, err, want)
		}
	}
	if o, err := parse(nil); err != nil || o.Address != "127.0.0.1:4599" {
		t.Errorf("without flags: %+v, error %v", o, err)
	}
}

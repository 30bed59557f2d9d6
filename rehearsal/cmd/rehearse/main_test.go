package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/evstream/rehearsal"
)

// TestMain lets the test binary be the command, for tests that kill it.
func TestMain(m *testing.M) {
	if os.Getenv("REHEARSE") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// room gives the rehearsal a folder for temporary files and checks at the end
// that it left nothing there.
func room(t *testing.T) string {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Cleanup(func() {
		left, err := filepath.Glob(filepath.Join(tmp, "rehearsal-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
	return tmp
}

// printed is what a running rehearsal has printed so far.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *printed) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *printed) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// waitFor waits until the text was printed.
func (o *printed) waitFor(t *testing.T, text string, done <-chan error) {
	t.Helper()
	for !strings.Contains(o.String(), text) {
		select {
		case err := <-done:
			t.Fatalf("ended with %v before it printed %q:\n%s", err, text, o)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// environment reads the environment whose file was printed.
func (o *printed) environment(t *testing.T) []string {
	t.Helper()
	file := regexp.MustCompile(`set -a; \. (\S+); set \+a`).FindStringSubmatch(o.String())
	if file == nil {
		t.Fatalf("it names no file with the environment:\n%s", o)
	}
	text, err := exec.CommandContext(t.Context(), "sh", "-c", "set -a; . "+file[1]+"; env").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// TestRehearsal rehearses from beginning to end, with records of every malformed
// kind. The rehearsal itself compares what it wrote with what the views hold.
func TestRehearsal(t *testing.T) {
	room(t)
	chart := filepath.Join(t.TempDir(), "usage.svg")
	var out printed
	if err := run(t.Context(), options{records: 600, seed: 3, malformed: 0.2, chart: chart}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	const longest = len("clientSecurityGroupId") // of the outputs' names
	for _, want := range []string{
		"13 resources to create",
		fmt.Sprintf("%-*s 5\n", longest, "schemaVersion"),
		fmt.Sprintf("%-*s $2,219.60 a month in us-east-1, if records arrive all day\n", longest, "estimatedMonthlyCost"),
		"600 of 600 records are in the streaming view",
		"exactly as they were written",
		"energy_kwh",
		"Current: the automatic refresh",
		"not a JSON object",
		"nothing would change",
		"nothing is left",
		"    2 × ec2.SecurityGroup\n",
		"records: 600 written",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it did not print %q", want)
		}
	}
	if strings.Contains(out.String(), rehearsal.AdminPassword) {
		t.Error("it printed the admin's password")
	}
	if t.Failed() {
		t.Log(&out)
	}
	if picture, err := os.ReadFile(chart); err != nil || !bytes.Contains(picture, []byte("EV charging")) {
		t.Errorf("the chart: %v", err)
	}
}

// TestOtherReadings rehearses on stand-ins that behave the other way wherever it is open
// how AWS does.
func TestOtherReadings(t *testing.T) {
	room(t)
	var out printed
	if err := run(t.Context(), options{records: 600, seed: 3, malformed: 0.2, readings: rehearsal.Doubts().Others()}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if want := "exactly as they were written"; !strings.Contains(out.String(), want) {
		t.Errorf("it did not print %q:\n%s", want, &out)
	}
}

// TestSoak disturbs a deployment for ten seconds. The rehearsal itself compares what it
// wrote with what the views hold.
func TestSoak(t *testing.T) {
	room(t)
	var out printed
	if err := run(t.Context(), options{records: 1, seed: 1, malformed: 0.2, soak: 10 * time.Second}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"× Kinesis fails", "× pulumi up", "exactly as they were written", "nothing would change", "nothing is left"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it did not print %q:\n%s", want, &out)
		}
	}
}

// TestKeep uses what --keep prints: the project's commands and, where it is
// installed, the AWS CLI talk to the running stand-ins.
func TestKeep(t *testing.T) {
	room(t)
	root, err := rehearsal.Root()
	if err != nil {
		t.Fatal(err)
	}
	var out printed
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- run(ctx, options{records: 10, seed: 1, keep: true}, &out) }()
	out.waitFor(t, "Ctrl-C ends it.", done)

	command := func(line string) string {
		t.Helper()
		cmd := exec.CommandContext(ctx, "sh", "-euc", line)
		cmd.Dir = root
		cmd.Env = out.environment(t)
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, text)
		}
		return strings.TrimSpace(string(text))
	}
	command("go run ./cmd/evstream produce --count 5")
	if got := command("go run ./cmd/evstream status"); !strings.Contains(got, "00005_rejected_view.sql") || strings.Contains(got, "pending") {
		t.Errorf("evstream status says:\n%s", got)
	}
	command("go run ./cmd/evstream query refresh")
	if got := command("echo 'SELECT COUNT(*) AS n FROM ev_station_data' | go run ./cmd/evstream query --sql - --format csv"); got != "n\n15" {
		t.Errorf("the streaming view has %q, want 15 records", got)
	}

	if _, err := exec.LookPath("aws"); err == nil {
		if got := command(`aws kinesis describe-stream-summary --stream-name "$STREAM_NAME" --query StreamDescriptionSummary.StreamStatus --output text`); got != "ACTIVE" {
			t.Errorf("the stream is %s", got)
		}
		for ask, want := range map[string]string{
			`aws sts get-caller-identity --query Account --output text`:                                                      "123456789012",
			`aws redshift-serverless list-workgroups --query 'workgroups[].namespaceName' --output text`:                     "ev-streaming-dev",
			`aws redshift-serverless get-namespace --namespace-name ev-streaming-dev --query namespace.status --output text`: "AVAILABLE",
			`aws secretsmanager get-secret-value --secret-id "$REDSHIFT_SECRET_ARN" --query ARN --output text`:               command(`echo "$REDSHIFT_SECRET_ARN"`),
			`aws s3 ls 2>&1 || true`: "The emulator does not serve s3",
		} {
			if got := command(ask); !strings.Contains(got, want) {
				t.Errorf("%s says %q, want %q", ask, got, want)
			}
		}
		got := command(`file=$(mktemp)
			printf hello >"$file"
			shard=$(aws kinesis put-record --stream-name "$STREAM_NAME" --partition-key k --data "fileb://$file" --query ShardId --output text)
			rm "$file"
			from=$(aws kinesis get-shard-iterator --stream-name "$STREAM_NAME" --shard-id "$shard" --shard-iterator-type TRIM_HORIZON --output text)
			aws kinesis get-records --shard-iterator "$from" --query 'Records[-1].Data' --output text`)
		if got != "aGVsbG8=" {
			t.Errorf("get-records gives %q, want hello in base64", got)
		}
		got = command(`id=$(aws redshift-data execute-statement --workgroup-name "$REDSHIFT_WORKGROUP" --database "$REDSHIFT_DATABASE" \
				--secret-arn "$REDSHIFT_SECRET_ARN" --sql 'SELECT COUNT(*) FROM ev_station_data_extract' --query Id --output text)
			until [ "$(aws redshift-data describe-statement --id "$id" --query Status --output text)" = FINISHED ]; do sleep 0.1; done
			aws redshift-data get-statement-result --id "$id" --query 'Records[0][0].longValue' --output text`)
		if got != "15" {
			t.Errorf("the AWS CLI reads %q records in the extract, want 15", got)
		}
	}

	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestServe: the printed environment names the stand-ins. A provider that is left
// to Pulumi has none.
func TestServe(t *testing.T) {
	for name, test := range map[string]struct {
		options options
		want    []string
		absent  string
	}{
		"all": {options{serve: true}, []string{
			"PULUMI_DEBUG_PROVIDERS=aws:", ",command:", "PULUMI_BACKEND_URL=file://", "AWS_ENDPOINT_URL=http://127.0.0.1:", "AWS_REGION=us-east-1",
		}, "no such text"},
		"command is installed": {options{serve: true, installed: "command"}, []string{"PULUMI_DEBUG_PROVIDERS=aws:"}, "command:"},
	} {
		t.Run(name, func(t *testing.T) {
			room(t)
			var out printed
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan error, 1)
			go func() { done <- run(ctx, test.options, &out) }()
			out.waitFor(t, "Ctrl-C ends both.", done)
			environment := strings.Join(out.environment(t), "\n")
			for _, want := range test.want {
				if !strings.Contains(environment, want) {
					t.Errorf("%s is missing in:\n%s", want, environment)
				}
			}
			if strings.Contains(environment, test.absent) {
				t.Errorf("%s should not be in:\n%s", test.absent, environment)
			}
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestInterrupted: Ctrl-C, at whatever it is doing, ends it and leaves nothing.
func TestInterrupted(t *testing.T) {
	for _, at := range []string{"── pulumi preview", "── pulumi up", "create   redshiftserverless.Workgroup", "── evstream produce", "── evstream query usage", "── pulumi destroy"} {
		t.Run(at, func(t *testing.T) {
			room(t)
			var out printed
			cmd, done := child(t, &out, "--records", "200")
			out.waitFor(t, at, done)
			// As a terminal does it: to every process of the group.
			if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			err := <-done
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 130 {
				t.Errorf("ended with %v, want exit status 130:\n%s", err, &out)
			}
			if err := syscall.Kill(-cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("processes of the rehearsal are still running: %v", err)
			}
		})
	}
}

// child starts the command in a process of its own.
func child(t *testing.T, out io.Writer, args ...string) (cmd *exec.Cmd, done chan error) {
	t.Helper()
	cmd = exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "REHEARSE=1")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done = make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }) // most often it has ended
	return cmd, done
}

// TestServeOutlivesItsClients: a client that goes away before its answer ends nothing; Ctrl-C
// does.
func TestServeOutlivesItsClients(t *testing.T) {
	room(t)
	var out printed
	cmd, done := child(t, &out, "--serve")
	out.waitFor(t, "Ctrl-C ends both.", done)
	address := regexp.MustCompile(`AWS_ENDPOINT_URL=http://(\S+)`).FindStringSubmatch(strings.Join(out.environment(t), "\n"))[1]
	for range 20 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		// Two requests, so that the second answer is written to a connection that was reset.
		fmt.Fprintf(conn, "%s%[1]s", "GET /_emulator/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
		if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if answer, err := http.Get("http://" + address + "/_emulator/health"); err != nil {
		t.Errorf("after clients that hung up: %v\n%s", err, &out)
	} else {
		answer.Body.Close()
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Ctrl-C ends it with %v\n%s", err, &out)
	}
}

// TestOutputThatNobodyReads: when the reader of its output goes away, as head does, it ends and
// leaves nothing.
func TestOutputThatNobodyReads(t *testing.T) {
	room(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_, done := child(t, writer, "--records", "10")
	writer.Close()
	if _, err := reader.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	reader.Close()
	var exit *exec.ExitError
	if err := <-done; !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("it ended with %v, want exit status 130", err)
	}
}

func TestWrongUse(t *testing.T) {
	for args, want := range map[string]string{
		"now":                 `unexpected argument "now"`,
		"--records -1":        "--records -1: must not be negative",
		"--soak -1s":          "--soak -1s: must not be negative",
		"--malformed 2":       "--malformed 2: must be a share",
		"--installed aws":     "--installed aws: only the provider command",
		"--keep --serve":      "--keep and --serve",
		"--env-file f":        "only --keep and --serve",
		"--readings a=b":      `--readings a=b: "a" is no doubt; they are decimal-casts`,
		"--chart usage.jpg":   "--chart usage.jpg: it must be a file that ends in .svg or .png",
		"--records 5 --quick": "unknown flag: --quick",
	} {
		if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("rehearse %s: %v, want %q", args, err, want)
		}
	}
}

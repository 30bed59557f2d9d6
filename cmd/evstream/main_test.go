package main

import (
	"net"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"evstream": main}) }

// TestScripts runs testdata/script. The server of their AWS_ENDPOINT_URL never
// answers.
func TestScripts(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("AWS_ENDPOINT_URL", "http://"+server.Addr().String())
			e.Setenv("AWS_REGION", "us-east-1")
			e.Setenv("AWS_ACCESS_KEY_ID", "AKID")
			e.Setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// called waits for a call of the server.
			"called": func(ts *testscript.TestScript, _ bool, _ []string) {
				conn, err := server.Accept()
				ts.Check(err)
				ts.Defer(func() { conn.Close() })
			},
		},
	})
}

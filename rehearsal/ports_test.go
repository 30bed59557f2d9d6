package rehearsal_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/evstream/rehearsal"
	"example.com/evstream/rehearsal/internal/stacktest"
)

// TestPortsAreForThisMachineOnly looks at every port that the running stand-ins
// listen on, whichever they are: each is on the loopback address, and none
// answers a page in a browser, which comes with an origin of its own or by a name
// that it had resolved to the loopback address.
//
// The providers speak gRPC over HTTP/2 without TLS, which no browser does:
// they end a connection that begins otherwise.
func TestPortsAreForThisMachineOnly(t *testing.T) {
	d := stacktest.Start(t)
	ports := listening(t)
	if len(ports) < 3 {
		t.Fatalf("%d ports are open, want those of the emulator and two providers: %v", len(ports), ports)
	}
	web := 0
	for _, port := range ports {
		if !port.Addr().IsLoopback() {
			t.Errorf("%s is open to other machines", port)
		}
		address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port.Port()).String()
		for name, header := range map[string]string{
			"a foreign name":   "Host: evil.example:80",
			"a page's origin":  "Host: " + address + "\r\nOrigin: http://" + address,
			"a foreign origin": "Host: " + address + "\r\nOrigin: https://evil.example",
		} {
			status, err := ask(address, header)
			switch {
			case err != nil: // not HTTP/1.1
			case status == http.StatusForbidden:
				web++
			default:
				t.Errorf("%s answers a request with %s with status %d, want %d", address, name, status, http.StatusForbidden)
			}
		}
	}
	if want := 3; web < want {
		t.Errorf("%d requests were forbidden, want at least the %d to %s", web, want, d.StandIns.URL())
	}
}

// TestNothingLeavesThisMachine deploys with a proxy for whatever is not on this
// machine. Nobody calls it: the engine looks for no update and fetches no plugin,
// the compiler fetches no module, and the commands talk to the stand-ins.
func TestNothingLeavesThisMachine(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Method+" "+r.Host)
		http.Error(w, "nothing is out there", http.StatusForbidden)
	}))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy", "GONOPROXY"} {
		t.Setenv(name, "")
	}
	d := stacktest.Start(t)
	d.MustUp(rehearsal.StackOptions{})
	d.Run("go run ./cmd/evstream produce --stack dev --count 3")
	if _, err := d.Stack(rehearsal.StackOptions{}).Destroy(t.Context()); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) > 0 {
		t.Errorf("the run asked for %q", asked)
	}
}

// ask sends a POST as a page could, and returns the status of the answer.
func ask(address, header string) (status int, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return 0, err
	}
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\n%s\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", header)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// listening are the addresses on which this process listens.
func listening(t *testing.T) []netip.AddrPort {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(files) == 0 {
		t.Skip("this system has no /proc")
	}
	ours := map[string]bool{}
	for _, file := range files {
		target, _ := os.Readlink(file)
		if inode := regexp.MustCompile(`^socket:\[(\d+)\]$`).FindStringSubmatch(target); inode != nil {
			ours[inode[1]] = true
		}
	}
	var found []netip.AddrPort
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue // no such protocol
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
			// Number, local address, other address, state; the inode is tenth.
			const listens = "0A"
			fields := strings.Fields(line)
			if fields[3] != listens || !ours[fields[9]] {
				continue
			}
			found = append(found, addressOf(t, fields[1]))
		}
	}
	return found
}

// addressOf reads an address of /proc/net: words in the machine's order, which is
// little-endian wherever Go runs this, and a port.
func addressOf(t *testing.T, text string) netip.AddrPort {
	t.Helper()
	digits, port, _ := strings.Cut(text, ":")
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	var bytes []byte
	for ; digits != ""; digits = digits[8:] {
		word, err := strconv.ParseUint(digits[:8], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		bytes = append(bytes, byte(word), byte(word>>8), byte(word>>16), byte(word>>24))
	}
	address, ok := netip.AddrFromSlice(bytes)
	if !ok {
		t.Fatalf("%q is no address", text)
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(number))
}

package kinesisput_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"example.com/evstream/internal/kinesisput"
)

// TestNoSlowerThanAPlainLoop compares the writer with a program that sends one full
// PutRecords after another, over HTTP in virtual time. Where requests only wait for
// each other the writer must not lose by having several on their way, and where they
// do not it must gain.
func TestNoSlowerThanAPlainLoop(t *testing.T) {
	for _, test := range []struct {
		name     string
		upstream int                                    // bytes per second, 0 for no limit
		takes    func(requestsAtOnce int) time.Duration // for one request
		requests int
		size     int     // of a record
		atMost   float64 // of the loop's time
		twice    int     // records, at most
	}{
		{"2 Mbit/s upstream", 250_000, func(int) time.Duration { return 0 }, 12, 2_048, 1.01, 0},
		{"so slow an upstream that a request takes longer than its timeout", 25_000, func(int) time.Duration { return 0 }, 4, 2_048, 1.01, 0},
		{"a server that takes as much longer as it has requests", 0,
			func(n int) time.Duration { return time.Duration(n) * 100 * time.Millisecond }, 100, 50, 1.01, 0},
		{"a server that takes still longer with more requests", 0,
			func(n int) time.Duration { return time.Duration(n*n) * 100 * time.Millisecond }, 100, 50, 1.1, 0},
		{"a server that is late with too many at once", 0, func(n int) time.Duration {
			if n > 4 {
				return time.Minute
			}
			return time.Second
		}, 300, 50, 1, 16 * 500},
		{"a server far away", 0, func(int) time.Duration { return 200 * time.Millisecond }, 200, 50, 0.15, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(t)
				client := e.behind(t, &network{upstream: test.upstream, takes: test.takes})
				size := make([]byte, test.size)

				began := time.Now()
				for range test.requests {
					in := &kinesis.PutRecordsInput{StreamName: aws.String("ev")}
					for range kinesisput.MaxRequestRecords {
						in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String(leftKey), Data: size})
					}
					if _, err := client.PutRecords(t.Context(), in); err != nil {
						t.Fatal(err)
					}
				}
				loop := time.Since(began)

				began = time.Now()
				w, f := startWith(t, client, kinesisput.Config{})
				all := test.requests * kinesisput.MaxRequestRecords
				for range all {
					if err := w.Put(t.Context(), kinesisput.Record{PartitionKey: leftKey, Data: size}); err != nil {
						t.Fatal(err)
					}
				}
				s := settled(t, w, f)
				took := time.Since(began)
				if stored, _ := e.copies(); s.Failed > 0 || stored-2*all > test.twice || s.Uncertain > int64(test.twice) {
					t.Errorf("%d failed, %d uncertain, %d stored for twice %d: want none to fail and at most %d too many", s.Failed, s.Uncertain, stored, all, test.twice)
				}
				if took.Seconds() > test.atMost*loop.Seconds() {
					t.Errorf("took %s, the loop %s: want at most %.2f times as long", took, loop, test.atMost)
				}
				t.Logf("%d requests, %.2f times as long as the loop", s.Requests, took.Seconds()/loop.Seconds())
			})
		})
	}
}

// network is the way to an endpoint: a listener whose connections share an upstream.
type network struct {
	upstream int
	takes    func(requestsAtOnce int) time.Duration

	turn    chan struct{} // of a connection to use the upstream
	arrived chan net.Conn
	closed  chan struct{}
	atOnce  atomic.Int32
}

// behind returns a client that reaches the endpoint over n.
func (e *endpoint) behind(t *testing.T, n *network) *kinesis.Client {
	n.turn, n.arrived, n.closed = make(chan struct{}, 1), make(chan net.Conn), make(chan struct{})
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		time.Sleep(n.takes(int(n.atOnce.Add(1))))
		n.atOnce.Add(-1)
		r.Body = struct{ io.ReadCloser }{io.NopCloser(bytes.NewReader(body))}
		answer, err := e.Do(r)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	})}
	go func() { _ = s.Serve(n) }()
	transport := &http.Transport{
		MaxIdleConnsPerHost: kinesisput.MaxInFlight,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			n.arrived <- there
			return &upstream{here, n}, nil
		},
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = s.Close()
	})
	o := e.client().Options()
	o.HTTPClient = plainBodies{&http.Client{Transport: transport}}
	return kinesis.New(o)
}

// plainBodies is for the loop what the writer does by itself, so that it loses no answer.
type plainBodies struct{ client *http.Client }

func (p plainBodies) Do(r *http.Request) (*http.Response, error) {
	r.Body = struct{ io.ReadCloser }{r.Body}
	return p.client.Do(r)
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.arrived:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { close(n.closed); return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{} }

// upstream is a connection of a network, whose writes take their time.
type upstream struct {
	net.Conn
	n *network
}

func (c *upstream) Write(p []byte) (sent int, err error) {
	const packet = 4096
	for len(p) > 0 && err == nil {
		part := p[:min(packet, len(p))]
		if c.n.upstream > 0 {
			c.n.turn <- struct{}{}
			time.Sleep(time.Duration(len(part)) * time.Second / time.Duration(c.n.upstream))
			<-c.n.turn
		}
		var n int
		n, err = c.Conn.Write(part)
		sent += n
		p = p[n:]
	}
	return sent, err
}

// Package provider has what the stand-ins of Pulumi's providers share. It serves a
// [plugin.Provider] that runs inside this process on a loopback port, to which the engine
// attaches when PULUMI_DEBUG_PROVIDERS=NAME:PORT names it; Dial is the engine's end. With
// Controls a test decides what goes wrong.
package provider

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
)

// Provider is a provider that an engine can attach to.
type Provider interface {
	plugin.Provider
	Attach(engine string) error
}

// Server serves a provider. Close it.
type Server struct {
	listener net.Listener
	start    func() Provider
	serving  sync.WaitGroup // the accept loop, and each connection

	mu      sync.Mutex
	servers map[*grpc.Server]bool // nil when it is closed
}

// maxMessage is the engine's own limit for one message, in bytes.
const maxMessage = 400 << 20

// Serve serves providers on a free port of 127.0.0.1: to each engine that connects one that start
// makes.
func Serve(start func() Provider) (*Server, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving the provider: %w", err)
	}
	s := &Server{listener: listener, start: start, servers: map[*grpc.Server]bool{}}
	s.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // it is closed
			}
			s.serving.Go(func() { s.serve(conn) })
		}
	})
	return s, nil
}

// serve serves one engine. It has a server of its own, because the SDK's keeps in itself
// how the engine configured the provider.
func (s *Server) serve(conn net.Conn) {
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.WaitForHandlers(true))
	pulumirpc.RegisterResourceProviderServer(server, sdkServer{plugin.NewProviderServer(s.start())})
	s.mu.Lock()
	if s.servers == nil {
		s.mu.Unlock()
		_ = conn.Close()
		return
	}
	s.servers[server] = true
	s.mu.Unlock()

	defer conn.Close() // in case it never came to be served
	ended := make(chan struct{})
	_ = server.Serve(&only{conn: &watched{Conn: conn, end: sync.OnceFunc(func() { close(ended) })}, ended: ended})
	server.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.servers, server)
}

// only is a listener for one connection.
type only struct {
	conn  *watched
	ended <-chan struct{}
	taken bool
}

func (o *only) Accept() (net.Conn, error) {
	if !o.taken {
		o.taken = true
		return o.conn, nil
	}
	<-o.ended
	return nil, net.ErrClosed
}

func (o *only) Addr() net.Addr { return o.conn.LocalAddr() }

func (o *only) Close() error {
	o.conn.end()
	return nil
}

// watched is a connection that calls a function when it is closed.
type watched struct {
	net.Conn
	end func()
}

func (w *watched) Close() error {
	w.end()
	return w.Conn.Close()
}

// Port is the port on 127.0.0.1.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Close cancels the contexts of the requests under way and waits for them.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	servers := s.servers
	s.servers = nil
	s.mu.Unlock()
	for server := range servers {
		server.Stop()
	}
	s.serving.Wait()
}

// sdkServer adds to the SDK's server what that leaves out.
type sdkServer struct {
	pulumirpc.ResourceProviderServer
}

// Diff marks that the detailed diff is there. Without the flag the engine drops it.
func (s sdkServer) Diff(ctx context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	resp, err := s.ResourceProviderServer.Diff(ctx, req)
	if resp != nil {
		resp.HasDetailedDiff = len(resp.DetailedDiff) > 0
	}
	return resp, err
}

// Create passes on that a resource exists though its creation failed.
func (s sdkServer) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	resp, err := s.ResourceProviderServer.Create(ctx, req)
	return resp, initFailed(err)
}

// Update passes on that a resource was changed though the update failed.
func (s sdkServer) Update(ctx context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	resp, err := s.ResourceProviderServer.Update(ctx, req)
	return resp, initFailed(err)
}

// Exists is the error of a create or an update that did its work and then failed:
// the engine keeps the resource, marked as not initialized.
type Exists struct {
	plugin.CreateResponse
	Reason error
}

func (e *Exists) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *Exists) Unwrap() error { return e.Reason }

func initFailed(err error) error {
	var exists *Exists
	if !errors.As(err, &exists) {
		return err
	}
	state, err := plugin.MarshalProperties(exists.Properties, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true})
	if err != nil {
		return err
	}
	return rpcerror.WithDetails(rpcerror.New(codes.Unknown, exists.Error()), &pulumirpc.ErrorResourceInitFailed{
		Id: string(exists.ID), Properties: state, Reasons: []string{exists.Error()},
	})
}

// Dial returns the engine's end, as the engine itself has it, for the provider of a package with
// a configuration. A configuration that the provider refuses is the error of the first call.
// Close the client.
func Dial(ctx context.Context, port int, pkg string, config resource.PropertyMap) (*Client, error) {
	conn, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", port),
		grpc.WithTransportCredentials(insecure.NewCredentials()), rpcutil.GrpcChannelOptions())
	if err != nil {
		return nil, fmt.Errorf("dialling the provider: %w", err)
	}
	rpc := pulumirpc.NewResourceProviderClient(conn)
	c := &Client{Provider: plugin.NewProviderWithClient(nil, rpc, false), conn: conn, rpc: rpc}
	if _, err := c.Handshake(ctx, plugin.ProviderHandshakeRequest{}); err != nil {
		return nil, errors.Join(fmt.Errorf("shaking hands with the provider: %w", err), c.Close())
	}
	kind := tokens.Type("pulumi:providers:" + pkg)
	if _, err := c.Configure(ctx, plugin.ConfigureRequest{Type: &kind, Inputs: config}); err != nil {
		return nil, errors.Join(fmt.Errorf("configuring the provider: %w", err), c.Close())
	}
	return c, nil
}

// Client is a connection to a provider.
type Client struct {
	plugin.Provider
	conn *grpc.ClientConn
	rpc  pulumirpc.ResourceProviderClient
}

// AttachTo tells the provider where the engine listens.
func (c *Client) AttachTo(ctx context.Context, engine string) error {
	_, err := c.rpc.Attach(ctx, &pulumirpc.PluginAttach{Address: engine})
	return err
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

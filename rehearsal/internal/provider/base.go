package provider

import (
	"context"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// Base is what every provider answers alike, and the refusal of what it does not have.
type Base struct {
	plugin.UnimplementedProvider
	Version string // of the release that the provider stands for
}

// Handshake takes secrets as secrets.
func (Base) Handshake(context.Context, plugin.ProviderHandshakeRequest) (*plugin.ProviderHandshakeResponse, error) {
	return &plugin.ProviderHandshakeResponse{AcceptSecrets: true}, nil
}

// GetPluginInfo answers with the version.
func (b Base) GetPluginInfo(context.Context) (plugin.PluginInfo, error) {
	version, err := semver.Parse(b.Version)
	return plugin.PluginInfo{Version: &version}, err
}

// Attach does nothing: the provider has nothing to tell the engine by itself.
func (Base) Attach(string) error { return nil }

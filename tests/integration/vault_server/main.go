// Copyright: (c) 2026, kubestd.platform contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// One server of a real Vault: its own core, raft storage and HTTP API, with the few plugins that the tests mount.
// The whole program needs the client libraries of every cloud and database, which is an hour of building.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"net/http"

	hclog "github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/audit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/physical/raft"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/vault"
)

var secrets = map[string]logical.Factory{"kv": kv.Factory}
var logins = map[string]logical.Factory{"kubernetes": kubernetes.Factory}

// registry: all plugins are factories of the core.
type registry struct{}

func (registry) factory(name string, of consts.PluginType) (logical.Factory, bool) {
	found, ok := secrets[name]
	if of == consts.PluginTypeCredential {
		found, ok = logins[name]
	}
	return found, ok
}
func (r registry) Contains(name string, of consts.PluginType) bool {
	_, ok := r.factory(name, of)
	return ok
}
func (r registry) Get(name string, of consts.PluginType) (func() (interface{}, error), bool) {
	found, ok := r.factory(name, of)
	return func() (interface{}, error) { return found, nil }, ok
}
func (registry) Keys(consts.PluginType) []string { return nil }
func (registry) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, true
}
func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	id := flag.String("id", "", "name of the node")
	data := flag.String("data", "", "folder")
	address := flag.String("address", "", "host:port of the API")
	peers := flag.String("cluster", "", "host:port for other servers")
	certificate := flag.String("certificate", "", "PEM file")
	key := flag.String("key", "", "PEM file")
	flag.Parse()
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Info})
	storage, err := raft.NewRaftBackend(map[string]string{"path": *data, "node_id": *id}, logger.Named("raft"))
	must(err)
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		HAPhysical:         storage.(*raft.RaftBackend),
		StorageType:        "raft",
		RedirectAddr:       "https://" + *address,
		ClusterAddr:        "https://" + *peers,
		DisableMlock:       true,
		Logger:             logger,
		LogicalBackends:    secrets,
		CredentialBackends: logins,
		AuditBackends:      map[string]audit.Factory{audit.TypeFile: audit.NewFileBackend},
		BuiltinRegistry:    registry{},
	})
	must(err)
	resolved, err := net.ResolveTCPAddr("tcp", *peers)
	must(err)
	core.SetClusterListenerAddrs([]*net.TCPAddr{resolved})
	core.SetClusterHandler(vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core: core, ListenerConfig: &configutil.Listener{},
	}))
	go func() { _ = core.InitiateRetryJoin(context.Background()) }()
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core: core, ListenerConfig: &configutil.Listener{Address: *address},
	})
	must(http.ListenAndServeTLS(*address, *certificate, *key, handler))
}

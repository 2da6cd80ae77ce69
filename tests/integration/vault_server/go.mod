module kubestd.platform/vault-server

go 1.25.3

require github.com/hashicorp/vault v1.21.4

replace github.com/hashicorp/go-discover => ./discover

// the release of the SDK that is in Vault's own repository at 1.21.4; its go.mod names a newer one that it does not build with
replace github.com/hashicorp/vault/sdk => github.com/hashicorp/vault/sdk v0.20.0

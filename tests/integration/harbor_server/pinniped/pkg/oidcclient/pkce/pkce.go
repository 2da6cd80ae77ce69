// Copyright: (c) 2026, kubestd.platform contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What Harbor uses of go.pinniped.dev, which not every proxy of Go modules has: the verifier of RFC 7636.
package pkce

import (
	"crypto/rand"
	"encoding/hex"

	"golang.org/x/oauth2"
)

type Code string

func Generate() (Code, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	return Code(hex.EncodeToString(raw)), nil
}

func (p *Code) Challenge() oauth2.AuthCodeOption { return oauth2.S256ChallengeOption(string(*p)) }
func (p *Code) Method() oauth2.AuthCodeOption    { return oauth2.SetAuthURLParam("code_challenge_method", "S256") }
func (p *Code) Verifier() oauth2.AuthCodeOption  { return oauth2.VerifierOption(string(*p)) }

// Copyright: (c) 2026, kubestd.platform contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package discover stands in for the library that finds peers in clouds, whose clients are most of the time of a build. Our servers are named.
package discover

import (
	"errors"
	"log"
)

type Provider interface{}

var Providers = map[string]Provider{}

type Discover struct{}

type Option func(*Discover) error

func New(...Option) (*Discover, error) { return &Discover{}, nil }

func WithProviders(map[string]Provider) Option { return func(*Discover) error { return nil } }

func (*Discover) Addrs(string, *log.Logger) ([]string, error) {
	return nil, errors.New("peers are not looked for in this build")
}

type Config map[string]string

func Parse(string) (Config, error) { return nil, errors.New("peers are not looked for in this build") }

func (Config) String() string { return "" }

// SPDX-License-Identifier: BSD-3-Clause

//go:build tools

// Package peers pins the program that testbed/peers/build makes, with all that it is made of.
package peers

import _ "golang.zx2c4.com/wireguard"

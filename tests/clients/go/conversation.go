// A vendor's Go program, told what to do over lines of JSON; tests/actors/stock.rs says what they mean.
// One process makes many clicks and keeps what its library caches.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
)

type wish struct {
	Begin    bool   `json:"begin"`
	Callback string `json:"callback"`
	Verify   string `json:"verify"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		said, err := answer(lines.Bytes())
		if err != nil {
			said = map[string]any{"error": err.Error()}
		}
		if answers.Encode(said) != nil {
			return
		}
	}
}

var (
	library *Library
	kept    Session
)

func answer(line []byte) (map[string]any, error) {
	var asked wish
	if err := json.Unmarshal(line, &asked); err != nil {
		return nil, err
	}
	ctx := context.Background()
	if library == nil {
		connected, err := Connect(ctx)
		if err != nil {
			return nil, err
		}
		library = connected
	}
	switch {
	case asked.Begin:
		var to string
		to, kept = library.SignIn()
		return map[string]any{"authorize": to}, nil
	case asked.Callback != "":
		callback, err := url.Parse(asked.Callback)
		if err != nil {
			return nil, err
		}
		reader, err := library.Callback(ctx, callback.Query(), kept)
		if err != nil {
			return nil, err
		}
		var userinfo map[string]any
		if err := reader.UserInfo.Claims(&userinfo); err != nil {
			return nil, err
		}
		var claims map[string]any
		if err := reader.IDToken.Claims(&claims); err != nil {
			return nil, err
		}
		return map[string]any{
			"claims": claims, "userinfo": userinfo, "scope": reader.Token.Extra("scope"),
			"token_type": reader.Token.TokenType, "access_token": reader.Token.AccessToken,
			"id_token": reader.Token.Extra("id_token"),
		}, nil
	default:
		subject, err := library.Reader(ctx, asked.Verify)
		if err != nil {
			return nil, fmt.Errorf("verify: %w", err)
		}
		return map[string]any{"claims": map[string]any{"sub": subject}}, nil
	}
}

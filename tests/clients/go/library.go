// docs:begin connect
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Library is made once, at start: its verifiers cache the library's keys and ask again when they meet a new one.
type Library struct {
	issuer       string
	provider     *oidc.Provider
	oauth        oauth2.Config
	idTokens     *oidc.IDTokenVerifier
	accessTokens *oidc.IDTokenVerifier
}

func Connect(ctx context.Context) (*Library, error) {
	issuer, clientID := os.Getenv("LIBRARY_ISSUER"), os.Getenv("LIBRARY_CLIENT_ID")
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // client_secret_basic; guessing costs a refused request
	return &Library{
		issuer:   issuer,
		provider: provider,
		oauth: oauth2.Config{
			ClientID:     clientID,
			ClientSecret: os.Getenv("LIBRARY_CLIENT_SECRET"),
			RedirectURL:  os.Getenv("LIBRARY_REDIRECT_URI"),
			Endpoint:     endpoint,
			Scopes:       []string{oidc.ScopeOpenID, "library.ebooks"},
		},
		idTokens: provider.Verifier(&oidc.Config{ClientID: clientID, SupportedSigningAlgs: []string{oidc.RS256}}),
		// An access token's audience is your `resource`, such as https://access.library.example/vendors/maple.
		accessTokens: provider.Verifier(&oidc.Config{
			ClientID: os.Getenv("LIBRARY_RESOURCE"), SupportedSigningAlgs: []string{oidc.ES256},
		}),
	}, nil
}

// docs:end

// docs:begin sign-in
// Session is what you keep in the browser's session, once, between SignIn and Callback.
type Session struct{ State, Nonce, Verifier string }

// SignIn says where your "sign in with the library" link leads.
func (l *Library) SignIn() (string, Session) {
	session := Session{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	url := l.oauth.AuthCodeURL(session.State, oidc.Nonce(session.Nonce), oauth2.S256ChallengeOption(session.Verifier))
	return url, session
}

// Reader is who came. Key your records on IDToken.Subject.
type Reader struct {
	IDToken  *oidc.IDToken
	UserInfo *oidc.UserInfo
	Token    *oauth2.Token
}

// Callback is given the query that the browser came back with. What go-oidc leaves to you is checked by hand here:
// state, iss, nonce, at_hash, and that userinfo speaks of the same reader.
func (l *Library) Callback(ctx context.Context, query url.Values, session Session) (*Reader, error) {
	if session.State == "" || query.Get("state") != session.State {
		return nil, errors.New("this answer belongs to another request")
	}
	if query.Get("iss") != l.issuer {
		return nil, errors.New("this answer is not the library's") // RFC 9207
	}
	if query.Has("error") {
		return nil, errors.New(query.Get("error"))
	}
	token, err := l.oauth.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(session.Verifier))
	if err != nil {
		return nil, err
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := l.idTokens.Verify(ctx, raw) // signature, iss, aud, exp
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != session.Nonce {
		return nil, errors.New("this ID token belongs to another request")
	}
	if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
		return nil, err
	}
	userInfo, err := l.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, err
	}
	if userInfo.Subject != idToken.Subject {
		return nil, errors.New("userinfo speaks of somebody else")
	}
	return &Reader{IDToken: idToken, UserInfo: userInfo, Token: token}, nil
}

// docs:end

// docs:begin api
// Reader says, at your API, who sends this access token.
func (l *Library) Reader(ctx context.Context, accessToken string) (subject string, err error) {
	verified, err := l.accessTokens.Verify(ctx, accessToken) // signature, iss, aud, exp
	if err != nil {
		return "", err
	}
	// go-oidc thinks of ID tokens: that this is an access token, and what for, is yours to check (RFC 9068).
	head, _, _ := strings.Cut(accessToken, ".")
	var header struct{ Typ string }
	if raw, err := base64.RawURLEncoding.DecodeString(head); err != nil || json.Unmarshal(raw, &header) != nil {
		return "", errors.New("this is no JWT")
	}
	var claims struct{ Scope string }
	if err := verified.Claims(&claims); err != nil {
		return "", err
	}
	if !strings.EqualFold(header.Typ, "at+jwt") {
		return "", errors.New("this is no access token")
	}
	if verified.Subject == "" {
		return "", errors.New("this token is about nobody")
	}
	if !slices.Contains(strings.Fields(claims.Scope), "library.ebooks") {
		return "", errors.New("no e-books for this reader")
	}
	return verified.Subject, nil
}

// docs:end

package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Offer is the answer to POST /events/negotiate.
type Offer struct {
	NegotiateVersion    int    `json:"negotiateVersion"`
	ConnectionID        string `json:"connectionId"`
	ConnectionToken     string `json:"connectionToken"`
	Cursor              string `json:"cursor"`
	AvailableTransports []struct {
		Transport       string   `json:"transport"`
		TransferFormats []string `json:"transferFormats"`
		URL             string   `json:"url"`
	} `json:"availableTransports"`
}

// Negotiate asks for a ticket. It returns *Refused for any status but 200.
func Negotiate(ctx context.Context, o Options) (*Offer, error) {
	o.Path = "/events/negotiate"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.target(), nil)
	if err != nil {
		return nil, err
	}
	r.Header = o.headers()
	var sock socket
	resp, err := o.httpClient(&sock).Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refused(resp)
	}
	defer sock.reset()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var offer Offer
	if err := json.Unmarshal(body, &offer); err != nil {
		return nil, fmt.Errorf("negotiate answer %.200s: %w", body, err)
	}
	return &offer, nil
}

// URL is where the offer says to use the transport.
func (o *Offer) URL(transport string) string {
	for _, t := range o.AvailableTransports {
		if t.Transport == transport {
			return t.URL
		}
	}
	return ""
}

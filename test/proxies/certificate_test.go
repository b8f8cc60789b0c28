package proxies

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// issuer signs the certificates of the proxies.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var authority = newIssuer()

func newIssuer() issuer {
	cert, key, err := sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "hubline tests"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	if err != nil {
		panic(err) // no randomness
	}
	return issuer{cert, key}
}

// sign makes a key and a certificate for it, signed by parent or by itself.
func sign(template *x509.Certificate, parent *issuer) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	signer, by := key, template
	if parent != nil {
		signer, by = parent.key, parent.cert
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, &key.PublicKey, signer)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

// writeCertificate writes a certificate for the sites of deploy/ into dir:
// fullchain.pem, privkey.pem, and both together as hubline.pem.
func writeCertificate(t testing.TB, dir string) {
	t.Helper()
	cert, key, err := sign(&x509.Certificate{
		Subject:  pkix.Name{CommonName: siteRoot.host()},
		DNSNames: []string{siteRoot.host(), siteSubpath.host(), siteVault.host()}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, &authority)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for name, text := range map[string][]byte{
		"fullchain.pem": chain, "privkey.pem": private, "hubline.pem": bytes.Join([][]byte{chain, private}, nil),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

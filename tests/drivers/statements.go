// What an application does through QLDB's driver for Go. Arguments: endpoint, ledger.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/amzn/ion-go/ion"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/qldbsession"
	"github.com/aws/aws-sdk-go-v2/service/qldbsession/types"
	"github.com/awslabs/amazon-qldb-driver-go/v3/qldbdriver"
)

const (
	many    = 450 // documents: more than two pages of 200
	largest = 40  // documents that one transaction may write
	racers  = 4
)

type document struct {
	Number  int          `ion:"number"`
	Large   string       `ion:"large,omitempty"`
	Amount  *ion.Decimal `ion:"amount,omitempty"`
	Written time.Time    `ion:"written"`
	Bytes   []byte       `ion:"bytes"`
	Parts   []string     `ion:"parts"`
	Inner   struct {
		Ratio float64 `ion:"ratio"`
		Holds bool    `ion:"holds"`
	} `ion:"nested"`
}

type revision struct {
	Data     document `ion:"data"`
	Metadata struct {
		ID      string `ion:"id"`
		Version int    `ion:"version"`
	} `ion:"metadata"`
}

// whole sends each request's body from memory. AWS's SDK closes its own body as soon as an answer
// begins; where that takes microseconds, net/http then takes the request for a failed one.
type whole struct{ http.RoundTripper }

func (transport whole) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	return transport.RoundTripper.RoundTrip(request)
}

func connect(endpoint, ledger string, retries int) *qldbdriver.QLDBDriver {
	client := qldbsession.New(qldbsession.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		HTTPClient:   &http.Client{Transport: whole{http.DefaultTransport}},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "go", SecretAccessKey: "driver"}, nil
		}),
	})
	driver, err := qldbdriver.New(ledger, client, func(options *qldbdriver.DriverOptions) {
		options.LoggerVerbosity = qldbdriver.LogOff
	})
	must(err)
	driver.SetRetryPolicy(qldbdriver.RetryPolicy{
		MaxRetryLimit: retries,
		Backoff:       qldbdriver.ExponentialBackoffStrategy{SleepBase: 10 * time.Millisecond, SleepCap: time.Second},
	})
	return driver
}

// rows runs a statement in a transaction of its own, and gives its rows as binary Ion.
func rows(driver *qldbdriver.QLDBDriver, statement string, parameters ...interface{}) ([][]byte, error) {
	found, err := driver.Execute(context.Background(), func(txn qldbdriver.Transaction) (interface{}, error) {
		return read(txn, statement, parameters...)
	})
	if err != nil {
		return nil, err
	}
	return found.([][]byte), nil
}

func read(txn qldbdriver.Transaction, statement string, parameters ...interface{}) ([][]byte, error) {
	result, err := txn.Execute(statement, parameters...)
	if err != nil {
		return nil, err
	}
	found := [][]byte{}
	for result.Next(txn) {
		found = append(found, result.GetCurrentData())
	}
	return found, result.Err()
}

func tables(driver *qldbdriver.QLDBDriver) {
	made, err := rows(driver, "CREATE TABLE Gopher")
	must(err)
	same(len(made), 1)
	_, err = rows(driver, "CREATE INDEX ON Gopher (number)")
	must(err)
	names, err := driver.GetTableNames(context.Background())
	must(err)
	same(fmt.Sprint(names), "[Gopher]")
}

func refusals(driver *qldbdriver.QLDBDriver, endpoint string) {
	var refused *types.BadRequestException
	for statement, code := range map[string]string{"CREATE TABLE Gopher": "412", "SELECT * FROM Absent": "432"} {
		_, err := rows(driver, statement)
		if !errors.As(err, &refused) {
			log.Fatalf("%s: %v", statement, err)
		}
		same(aws.ToString(refused.Code), code)
	}
	lost := connect(endpoint, "absent", 0)
	defer lost.Shutdown(context.Background())
	if _, err := lost.GetTableNames(context.Background()); !errors.As(err, &refused) {
		log.Fatalf("a ledger that is not there: %v", err)
	}
}

func values(driver *qldbdriver.QLDBDriver) {
	sent := document{Number: 7, Large: "ünïcødé \x00", Amount: ion.MustParseDecimal("12.50"),
		Written: time.Date(2020, 2, 3, 4, 5, 6, 789000000, time.UTC), Bytes: []byte{0, 255}, Parts: []string{"a", ""}}
	sent.Inner.Ratio, sent.Inner.Holds = -0.125, true
	_, err := rows(driver, "INSERT INTO Gopher ?", sent)
	must(err)
	found, err := rows(driver, "SELECT * FROM Gopher WHERE number = ? AND nested.ratio = ?", 7, -0.125)
	must(err)
	same(len(found), 1)
	var kept document
	must(ion.Unmarshal(found[0], &kept))
	same(kept.Amount.String(), sent.Amount.String())
	kept.Amount, sent.Amount = nil, nil
	same(fmt.Sprint(kept), fmt.Sprint(sent))
	for _, each := range []interface{}{nil, true, 1, -300, 0.5, "text", []int{1, 2}, map[string]int{"b": 1}, []byte("blob")} {
		_, err := rows(driver, "UPDATE Gopher SET v = ? WHERE number = 7", each)
		must(err)
		found, err := rows(driver, "SELECT VALUE v FROM Gopher WHERE number = 7")
		must(err)
		expected, err := ion.MarshalText(each)
		must(err)
		var value interface{}
		must(ion.Unmarshal(found[0], &value))
		said, err := ion.MarshalText(value)
		must(err)
		same(string(said), string(expected))
	}
}

func history(driver *qldbdriver.QLDBDriver) {
	_, err := rows(driver, "UPDATE Gopher SET large = ? WHERE number = ?", "changed", 7)
	must(err)
	_, err = rows(driver, "DELETE FROM Gopher WHERE number = ?", 7)
	must(err)
	found, err := rows(driver, "SELECT data, metadata FROM history(Gopher) AS h WHERE h.data.number = 7")
	must(err)
	var last revision
	must(ion.Unmarshal(found[len(found)-1], &last))
	same(last.Data.Large, "changed")
	same(last.Metadata.Version, len(found)-1)
	same(len(last.Metadata.ID), 22)
}

func pages(driver *qldbdriver.QLDBDriver) {
	for first := 0; first < many; first += largest {
		_, err := driver.Execute(context.Background(), func(txn qldbdriver.Transaction) (interface{}, error) {
			for number := first; number < min(first+largest, many); number++ {
				if _, err := txn.Execute("INSERT INTO Gopher ?", map[string]int{"page": number}); err != nil {
					return nil, err
				}
			}
			return nil, nil
		})
		must(err)
	}
	_, err := driver.Execute(context.Background(), func(txn qldbdriver.Transaction) (interface{}, error) {
		result, err := txn.Execute("SELECT VALUE page FROM Gopher")
		if err != nil {
			return nil, err
		}
		seen := map[int]bool{}
		for result.Next(txn) {
			var number int
			if err := ion.Unmarshal(result.GetCurrentData(), &number); err != nil {
				return nil, err
			}
			seen[number] = true
		}
		same(len(seen), many)
		if *result.GetConsumedIOs().GetReadIOs() < many {
			log.Fatal("the reads of all pages are not counted")
		}
		return nil, result.Err()
	})
	must(err)
}

func increment(driver *qldbdriver.QLDBDriver, reached *sync.WaitGroup) error {
	var once sync.Once
	_, err := driver.Execute(context.Background(), func(txn qldbdriver.Transaction) (interface{}, error) {
		found, err := read(txn, "SELECT VALUE tally FROM Counter")
		once.Do(func() { reached.Done(); reached.Wait() })
		if err != nil {
			return nil, err
		}
		var count int
		if err := ion.Unmarshal(found[0], &count); err != nil {
			return nil, err
		}
		return txn.Execute("UPDATE Counter SET tally = ?", count+1)
	})
	return err
}

// races has some read the same and then write, at first without trying again, and then with.
func races(patient *qldbdriver.QLDBDriver, endpoint, ledger string) {
	_, err := rows(patient, "CREATE TABLE Counter")
	must(err)
	_, err = rows(patient, "INSERT INTO Counter ?", map[string]int{"tally": 0})
	must(err)
	impatient := connect(endpoint, ledger, 0)
	defer impatient.Shutdown(context.Background())
	won := 0
	for _, driver := range []*qldbdriver.QLDBDriver{impatient, patient} {
		ends := make(chan error, racers)
		var reached sync.WaitGroup
		reached.Add(racers)
		for range racers {
			go func() { ends <- increment(driver, &reached) }()
		}
		for range racers {
			var conflict *types.OccConflictException
			if err := <-ends; err == nil {
				won++
			} else if driver == patient || !errors.As(err, &conflict) {
				log.Fatal(err)
			}
		}
	}
	same(won, 1+racers)
	found, err := rows(patient, "SELECT VALUE tally FROM Counter")
	must(err)
	var count int
	must(ion.Unmarshal(found[0], &count))
	same(count, won)
}

func aborts(driver *qldbdriver.QLDBDriver) {
	_, err := driver.Execute(context.Background(), func(txn qldbdriver.Transaction) (interface{}, error) {
		if _, err := txn.Execute("INSERT INTO Gopher ?", map[string]bool{"aborted": true}); err != nil {
			return nil, err
		}
		return nil, txn.Abort()
	})
	if err == nil {
		log.Fatal("an aborted transaction ended well")
	}
	found, err := rows(driver, "SELECT * FROM Gopher WHERE aborted")
	must(err)
	same(len(found), 0)
}

func must(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func same(found, expected interface{}) {
	if found != expected {
		log.Panicf("%v, not %v", found, expected)
	}
}

func main() {
	endpoint, ledger := os.Args[1], os.Args[2]
	driver := connect(endpoint, ledger, 10)
	defer driver.Shutdown(context.Background())
	checks := []struct {
		name string
		run  func()
	}{
		{"tables", func() { tables(driver) }},
		{"codes of errors", func() { refusals(driver, endpoint) }},
		{"values", func() { values(driver) }},
		{"history", func() { history(driver) }},
		{"pages", func() { pages(driver) }},
		{"lost races", func() { races(driver, endpoint, ledger) }},
		{"aborted", func() { aborts(driver) }},
	}
	for _, each := range checks {
		each.run()
		fmt.Println("passed:", each.name)
	}
}

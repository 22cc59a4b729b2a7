// Package sdkgo runs what the SDK of iWF for Go v1.6.0 offers, and its own tests leave out, against a server.
//
// The server is that of IWF_SERVER_URL, or of http://localhost:8801; it must be allowed to call http://localhost:*.
package sdkgo

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/indeedeng/iwf-golang-sdk/gen/iwfidl"
	"github.com/indeedeng/iwf-golang-sdk/iwf"
)

var (
	client       iwf.Client
	unregistered iwf.UnregisteredClient
)

func TestMain(m *testing.M) {
	registry := iwf.NewRegistry()
	err := registry.AddWorkflows(order{}, waiter{}, counter{}, forked{}, attributes{}, flaky{}, parked{}, broken{})
	if err != nil {
		panic(err)
	}
	service := iwf.NewWorkerService(registry, nil)
	worker := httptest.NewServer(routes(service))
	options := &iwf.ClientOptions{
		ServerUrl:     serverURL(),
		WorkerUrl:     strings.Replace(worker.URL, "127.0.0.1", "localhost", 1),
		ObjectEncoder: iwf.GetDefaultObjectEncoder(),
	}
	client = iwf.NewClient(registry, options)
	unregistered = iwf.NewUnregisteredClient(options)
	code := m.Run()
	worker.CloseClientConnections()
	os.Exit(code)
}

func serverURL() string {
	if url := os.Getenv("IWF_SERVER_URL"); url != "" {
		return url
	}
	return "http://localhost:" + iwf.DefaultServerPort
}

func routes(service iwf.WorkerService) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(iwf.WorkflowStateWaitUntilApi, func(w http.ResponseWriter, r *http.Request) {
		var request iwfidl.WorkflowStateWaitUntilRequest
		answer(w, r, &request, func() (any, error) { return service.HandleWorkflowStateWaitUntil(r.Context(), request) })
	})
	mux.HandleFunc(iwf.WorkflowStateExecuteApi, func(w http.ResponseWriter, r *http.Request) {
		var request iwfidl.WorkflowStateExecuteRequest
		answer(w, r, &request, func() (any, error) { return service.HandleWorkflowStateExecute(r.Context(), request) })
	})
	mux.HandleFunc(iwf.WorkflowWorkerRPCAPI, func(w http.ResponseWriter, r *http.Request) {
		var request iwfidl.WorkflowWorkerRpcRequest
		answer(w, r, &request, func() (any, error) { return service.HandleWorkflowWorkerRPC(r.Context(), request) })
	})
	return mux
}

// answer reads a request, handles it, and tells of an error as the protocol asks.
func answer(w http.ResponseWriter, r *http.Request, request any, handle func() (any, error)) {
	w.Header().Set("Content-Type", "application/json")
	err := json.NewDecoder(r.Body).Decode(request)
	var response any
	if err == nil {
		response, err = handle()
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		response = iwfidl.WorkerErrorResponse{Detail: iwfidl.PtrString(err.Error()), ErrorType: iwfidl.PtrString("GoError")}
	}
	_ = json.NewEncoder(w).Encode(response)
}

package sdkgo

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/indeedeng/iwf-golang-sdk/gen/iwfidl"
	"github.com/indeedeng/iwf-golang-sdk/iwf"
	"github.com/indeedeng/iwf-golang-sdk/iwf/ptr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var ctx = context.Background()

func id(t *testing.T) string { return fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano()) }

func start(t *testing.T, workflow iwf.ObjectWorkflow, input any, options *iwf.WorkflowOptions) (id_, runID string) {
	t.Helper()
	id_ = id(t)
	runID, err := client.StartWorkflow(ctx, workflow, id_, 60, input, options)
	require.NoError(t, err)
	require.NotEmpty(t, runID)
	return id_, runID
}

func result[T any](t *testing.T, id string) (value T) {
	t.Helper()
	require.NoError(t, client.GetSimpleWorkflowResult(ctx, id, "", &value))
	return value
}

func status(t *testing.T, id, runID string) iwfidl.WorkflowStatus {
	t.Helper()
	info, err := client.DescribeWorkflow(ctx, id, runID)
	require.NoError(t, err)
	return info.Status
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, 20*time.Second, 20*time.Millisecond)
}

func trail(t *testing.T, id string) (steps []string) {
	t.Helper()
	values, err := client.GetWorkflowDataAttributes(ctx, order{}, id, "", []string{"trail"})
	require.NoError(t, err)
	values["trail"].Get(&steps)
	return steps
}

func subStatus(t *testing.T, err error) iwfidl.ErrorSubStatus {
	t.Helper()
	require.IsType(t, &iwf.ApiError{}, err)
	require.NotNil(t, err.(*iwf.ApiError).Response)
	return err.(*iwf.ApiError).Response.GetSubStatus()
}

// Stopping.

func TestAWorkflowIsStoppedInThreeWays(t *testing.T) {
	t.Parallel()
	for kind, ended := range map[iwfidl.WorkflowStopType]iwfidl.WorkflowStatus{
		iwfidl.CANCEL: iwfidl.CANCELED, iwfidl.TERMINATE: iwfidl.TERMINATED, iwfidl.FAIL: iwfidl.FAILED,
	} {
		id, runID := start(t, parked{}, nil, nil)
		require.NoError(t, client.StopWorkflow(ctx, id, "", &iwf.WorkflowStopOptions{StopType: kind, Reason: "enough"}))
		failure, ok := iwf.AsWorkflowUncompletedError(client.GetSimpleWorkflowResult(ctx, id, "", nil))
		require.True(t, ok, kind)
		assert.Equal(t, ended, failure.ClosedStatus)
		assert.Equal(t, runID, failure.RunId)
		if kind == iwfidl.FAIL {
			assert.Equal(t, iwfidl.CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE, *failure.ErrorType)
			assert.Equal(t, "enough", *failure.ErrorMessage)
		} else {
			assert.Nil(t, failure.ErrorType)
			assert.Nil(t, failure.ErrorMessage)
		}
	}
}

func TestADecisionFailsAWorkflowWithoutOutput(t *testing.T) {
	t.Parallel()
	id, _ := start(t, broken{}, true, nil)
	failure, ok := iwf.AsWorkflowUncompletedError(client.GetSimpleWorkflowResult(ctx, id, "", nil))
	require.True(t, ok)
	assert.Equal(t, iwfidl.FAILED, failure.ClosedStatus)
	assert.Equal(t, iwfidl.STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE, *failure.ErrorType)
}

func TestAFailedStateIsToldByTheNameThatThisSDKKnows(t *testing.T) {
	t.Parallel()
	id, _ := start(t, broken{}, false, nil)
	failure, ok := iwf.AsWorkflowUncompletedError(client.GetSimpleWorkflowResult(ctx, id, "", nil))
	require.True(t, ok)
	assert.Equal(t, iwfidl.STATE_API_FAIL_MAX_OUT_RETRY_ERROR_TYPE, *failure.ErrorType)
	assert.Contains(t, *failure.ErrorMessage, "no luck")
}

// Errors that can be told apart.

func TestWhatDoesNotExistIsToldApart(t *testing.T) {
	t.Parallel()
	unknown := id(t)
	_, err := client.DescribeWorkflow(ctx, unknown, "")
	_, readErr := client.GetAllWorkflowDataAttributes(ctx, unknown, "")
	_, resetErr := client.ResetWorkflow(ctx, unknown, "", nil)
	for _, err := range []error{
		err, readErr, resetErr,
		client.SignalWorkflow(ctx, order{}, unknown, "", "paid", "x"),
		client.StopWorkflow(ctx, unknown, "", nil),
		client.InvokeRPC(ctx, unknown, "", counter{}.Peek, nil, nil),
		client.GetSimpleWorkflowResult(ctx, unknown, "", nil),
		client.SkipTimerByCommandIndex(ctx, unknown, "", waiting{}, 1, 0),
		client.UpdateWorkflowConfig(ctx, unknown, "", iwfidl.WorkflowConfig{}),
	} {
		assert.True(t, iwf.IsWorkflowNotExistsError(err), err)
		assert.True(t, iwf.IsClientError(err))
	}
}

func TestAWaitThatTakesTooLongIsToldApart(t *testing.T) {
	t.Parallel()
	id, _ := start(t, parked{}, nil, nil)
	err := client.GetSimpleWorkflowResult(ctx, id, "", nil)
	assert.Equal(t, iwfidl.LONG_POLL_TIME_OUT_SUB_STATUS, subStatus(t, err))
	assert.Equal(t, 420, err.(*iwf.ApiError).StatusCode)
}

// Starting.

func TestAnIdIsUsedAgainByItsPolicy(t *testing.T) {
	t.Parallel()
	again := func(id string, policy iwfidl.IDReusePolicy) error {
		_, err := client.StartWorkflow(ctx, parked{}, id, 60, nil, &iwf.WorkflowOptions{WorkflowIdReusePolicy: &policy})
		return err
	}
	id, runID := start(t, parked{}, nil, nil)
	for _, policy := range []iwfidl.IDReusePolicy{
		iwfidl.ALLOW_IF_NO_RUNNING, iwfidl.ALLOW_IF_PREVIOUS_EXISTS_ABNORMALLY, iwfidl.DISALLOW_REUSE,
	} {
		assert.True(t, iwf.IsWorkflowAlreadyStartedError(again(id, policy)), policy)
	}
	require.NoError(t, again(id, iwfidl.ALLOW_TERMINATE_IF_RUNNING))
	assert.Equal(t, iwfidl.TERMINATED, status(t, id, runID))
	require.NoError(t, client.StopWorkflow(ctx, id, "", &iwf.WorkflowStopOptions{StopType: iwfidl.TERMINATE}))
	assert.True(t, iwf.IsWorkflowAlreadyStartedError(again(id, iwfidl.DISALLOW_REUSE)))
	require.NoError(t, again(id, iwfidl.ALLOW_IF_PREVIOUS_EXISTS_ABNORMALLY))
	require.NoError(t, client.StopWorkflow(ctx, id, "", &iwf.WorkflowStopOptions{StopType: iwfidl.TERMINATE}))
	require.NoError(t, again(id, iwfidl.ALLOW_IF_NO_RUNNING))
}

func TestAFailedWorkflowIsStartedAgainByItsRetryPolicy(t *testing.T) {
	t.Parallel()
	id, runID := start(t, broken{}, true, &iwf.WorkflowOptions{WorkflowRetryPolicy: &iwfidl.WorkflowRetryPolicy{
		InitialIntervalSeconds: iwfidl.PtrInt32(1), MaximumAttempts: iwfidl.PtrInt32(2),
	}})
	_, ok := iwf.AsWorkflowUncompletedError(client.GetSimpleWorkflowResult(ctx, id, "", nil))
	assert.True(t, ok)
	info, err := client.DescribeWorkflow(ctx, id, "")
	require.NoError(t, err)
	assert.Equal(t, iwfidl.FAILED, info.Status)
	assert.NotEqual(t, runID, info.CurrentRunId)
	assert.Equal(t, iwfidl.FAILED, status(t, id, runID))
}

func TestASchedule(t *testing.T) {
	t.Parallel()
	id, _ := start(t, parked{}, nil, &iwf.WorkflowOptions{WorkflowCronSchedule: ptr.Any("0 0 1 1 *")})
	assert.Equal(t, iwfidl.RUNNING, status(t, id, ""))
	require.NoError(t, client.StopWorkflow(ctx, id, "", nil))
	eventually(t, func() bool { return status(t, id, "") == iwfidl.CANCELED })
	_, err := client.StartWorkflow(ctx, parked{}, id, 60, nil, &iwf.WorkflowOptions{WorkflowCronSchedule: ptr.Any("every day")})
	assert.True(t, iwf.IsClientError(err), err)
}

// States.

func TestAStateIsTriedAgain(t *testing.T) {
	t.Parallel()
	id, _ := start(t, flaky{}, nil, nil)
	assert.Equal(t, 3, result[int](t, id))
}

func TestStatesSideBySide(t *testing.T) {
	t.Parallel()
	id, _ := start(t, forked{}, nil, nil)
	results, err := client.GetComplexWorkflowResults(ctx, id, "")
	require.NoError(t, err)
	told := []string{}
	for _, one := range results {
		told = append(told, one.CompletedStateExecutionId+*one.CompletedStateOutput.Data)
		assert.Equal(t, "sdkgo.branch", one.CompletedStateId)
	}
	sort.Strings(told)
	assert.Equal(t, []string{`sdkgo.branch-1"one"`, `sdkgo.branch-2"two"`}, told)
	assert.ErrorContains(t, client.GetSimpleWorkflowResult(ctx, id, "", nil), "one or zero state output")
}

func TestWaitingForAny(t *testing.T) {
	t.Parallel()
	id, _ := start(t, waiter{}, "any", nil)
	require.NoError(t, client.SignalWorkflow(ctx, waiter{}, id, "", "right", nil))
	assert.Equal(t, "any: SCHEDULED SCHEDULED WAITING= RECEIVED= WAITING= true", result[string](t, id))
}

func TestWaitingForACombination(t *testing.T) {
	t.Parallel()
	id, _ := start(t, waiter{}, "combination", nil)
	require.NoError(t, client.SignalWorkflow(ctx, waiter{}, id, "", "right", "a"))
	require.NoError(t, client.SignalWorkflow(ctx, waiter{}, id, "", "left", "b"))
	assert.Equal(t, iwfidl.RUNNING, status(t, id, ""))
	require.NoError(t, client.InvokeRPC(ctx, id, "", waiter{}.Publish, "c", nil))
	assert.Equal(t, "combination: SCHEDULED SCHEDULED RECEIVED=b RECEIVED=a RECEIVED=c true", result[string](t, id))
}

func TestNothingIsPublished(t *testing.T) {
	t.Parallel()
	id, _ := start(t, waiter{}, "any", nil)
	require.NoError(t, client.InvokeRPC(ctx, id, "", waiter{}.Publish, nil, nil))
	assert.Equal(t, "any: SCHEDULED SCHEDULED WAITING= WAITING= RECEIVED= true", result[string](t, id))
}

func TestTimersAreSkipped(t *testing.T) {
	t.Parallel()
	byID, _ := start(t, waiter{}, "any", nil)
	eventually(t, func() bool { return client.SkipTimerByCommandId(ctx, byID, "", waiting{}, 1, "late") == nil })
	assert.Equal(t, "any: FIRED SCHEDULED WAITING= WAITING= WAITING= true", result[string](t, byID))
	byIndex, _ := start(t, waiter{}, "any", nil)
	eventually(t, func() bool {
		return unregistered.SkipTimerByCommandIndex(ctx, byIndex, "", "sdkgo.waiting", 1, 1) == nil
	})
	assert.Equal(t, "any: SCHEDULED FIRED WAITING= WAITING= WAITING= true", result[string](t, byIndex))
	other, _ := start(t, parked{}, nil, nil)
	assert.Equal(t, iwfidl.UNCATEGORIZED_SUB_STATUS, subStatus(t, client.SkipTimerByCommandIndex(ctx, other, "", waiting{}, 1, 0)))
}

// Attributes.

func TestAttributesOfEveryKind(t *testing.T) {
	t.Parallel()
	id, _ := start(t, attributes{}, nil, &iwf.WorkflowOptions{InitialSearchAttributes: map[string]interface{}{
		"GoArray": []string{"p", "q"}, "GoTime": moment, "GoInt": int64(5),
	}})
	assert.Equal(t, "k some words 9007199254740993 3 false [x y z] true [0 255] map[one:1] [] 9007199254740993", result[string](t, id))
	told, err := client.GetWorkflowSearchAttributes(ctx, attributes{}, id, "",
		[]string{"GoKeyword", "GoText", "GoInt", "GoDouble", "GoBool", "GoArray"})
	require.NoError(t, err)
	assert.Equal(t, map[string]interface{}{
		"GoKeyword": "k", "GoText": "some words", "GoInt": int64(9007199254740993), "GoDouble": 3.0, "GoBool": false,
		"GoArray": []string{"x", "y", "z"},
	}, told)
	kind := iwfidl.DATETIME
	times, err := unregistered.GetWorkflowSearchAttributes(ctx, id, "", []iwfidl.SearchAttributeKeyAndType{
		{Key: ptr.Any("GoTime"), ValueType: &kind},
	})
	require.NoError(t, err)
	written, err := time.Parse(time.RFC3339, *times["GoTime"].StringValue)
	require.NoError(t, err)
	assert.True(t, written.Equal(moment.Add(time.Hour)))
	values, err := client.GetAllWorkflowDataAttributes(ctx, id, "")
	require.NoError(t, err)
	assert.Len(t, values, 3)
	nothing := "as it was"
	values["nothing"].Get(&nothing)
	assert.Equal(t, "as it was", nothing)
}

func TestRunsAreFound(t *testing.T) {
	t.Parallel()
	number := time.Now().UnixNano()
	found := map[string]bool{}
	for range [3]int{} {
		id, _ := start(t, attributes{}, nil, &iwf.WorkflowOptions{InitialSearchAttributes: map[string]interface{}{
			"GoArray": []string{"p", "q"}, "GoTime": moment, "GoDouble": float64(number),
		}})
		found[id] = false
	}
	query := fmt.Sprintf("IwfWorkflowType = 'sdkgo.attributes' AND GoKeyword='k' AND WorkflowId STARTS_WITH '%s-' AND StartTime > '%s'",
		t.Name(), time.Unix(0, number).UTC().Format(time.RFC3339Nano))
	eventually(t, func() bool {
		page, err := client.SearchWorkflow(ctx, iwfidl.WorkflowSearchRequest{Query: query})
		require.NoError(t, err)
		return len(page.WorkflowExecutions) == 3
	})
	var token *string
	for range [2]int{} {
		page, err := client.SearchWorkflow(ctx, iwfidl.WorkflowSearchRequest{Query: query, PageSize: iwfidl.PtrInt32(2), NextPageToken: token})
		require.NoError(t, err)
		for _, one := range page.WorkflowExecutions {
			found[one.WorkflowId] = true
		}
		token = page.NextPageToken
	}
	assert.Empty(t, *token)
	for id, is := range found {
		assert.True(t, is, id)
	}
	_, err := client.SearchWorkflow(ctx, iwfidl.WorkflowSearchRequest{Query: "this is no query"})
	assert.Equal(t, iwfidl.UNCATEGORIZED_SUB_STATUS, subStatus(t, err))
}

// RPCs.

func TestLockedRPCsLoseNothing(t *testing.T) {
	t.Parallel()
	id, _ := start(t, counter{}, nil, nil)
	var group sync.WaitGroup
	for range [8]int{} {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				err := client.InvokeRPC(ctx, id, "", counter{}.Increment, 1, nil)
				if err == nil {
					return
				}
				if !assert.Equal(t, 450, err.(*iwf.ApiError).StatusCode) {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
	}
	group.Wait()
	var told string
	require.NoError(t, client.InvokeRPC(ctx, id, "", counter{}.Peek, nil, &told))
	assert.Equal(t, fmt.Sprint(0, "seen", 0), told)
	values, err := client.GetWorkflowDataAttributes(ctx, counter{}, id, "", []string{"count"})
	require.NoError(t, err)
	var count int
	values["count"].Get(&count)
	assert.Equal(t, 8, count)
	numbers, err := client.GetAllWorkflowSearchAttributes(ctx, counter{}, id, "")
	require.NoError(t, err)
	assert.Equal(t, map[string]interface{}{"GoCount": int64(8)}, numbers)
}

func TestAnRPCOpensAState(t *testing.T) {
	t.Parallel()
	id, runID := start(t, counter{}, nil, nil)
	var told string
	require.NoError(t, unregistered.InvokeRPCByName(ctx, id, runID, "Close", nil, &told, nil))
	assert.Equal(t, runID, told)
	assert.Equal(t, id, result[string](t, id))
}

func TestAnRPCThatFails(t *testing.T) {
	t.Parallel()
	id, _ := start(t, counter{}, nil, nil)
	err := client.InvokeRPC(ctx, id, "", counter{}.Panic, nil, nil)
	require.True(t, iwf.IsRPCError(err))
	assert.Equal(t, iwfidl.WORKER_API_ERROR, subStatus(t, err))
	response := err.(*iwf.ApiError).Response
	assert.Contains(t, response.GetOriginalWorkerErrorDetail(), "out of order")
	assert.Contains(t, err.Error(), "out of order")
	assert.Equal(t, "GoError", response.GetOriginalWorkerErrorType())
	assert.Equal(t, int32(500), response.GetOriginalWorkerErrorStatus())
	err = client.InvokeRPC(ctx, id, "", counter{}.Force, nil, nil)
	require.True(t, iwf.IsRPCError(err))
	assert.Equal(t, "closing workflow in RPC is not supported yet", err.(*iwf.ApiError).Response.GetDetail())
}

// Resets.

func TestAResetToTheBeginning(t *testing.T) {
	t.Parallel()
	id, runID := start(t, order{}, nil, nil)
	require.NoError(t, client.SignalWorkflow(ctx, order{}, id, "", "paid", "cash"))
	require.Equal(t, "due:cash", result[string](t, id))
	newID, err := client.ResetWorkflow(ctx, id, "", nil)
	require.NoError(t, err)
	assert.NotEqual(t, runID, newID)
	assert.Equal(t, "due:cash", result[string](t, id))
	assert.Equal(t, []string{"sdkgo.received-1", "sdkgo.paying-1"}, trail(t, id))
}

func TestAResetToAStateAndWithoutItsSignals(t *testing.T) {
	t.Parallel()
	for _, options := range []iwf.ResetWorkflowOptions{
		iwf.ResetToStateId("sdkgo.paying", "again"), iwf.ResetToStateExecutionId("sdkgo.paying-1", "again"), iwf.ResetToBeginning("again"),
		iwf.ResetToHistoryEventTime(time.Now().Add(-time.Hour), "again"),
	} {
		options := options
		id, _ := start(t, order{}, nil, nil)
		// Else the signal could come before the state, and be of its past.
		eventually(t, func() bool { return len(trail(t, id)) == 2 })
		require.NoError(t, client.SignalWorkflow(ctx, order{}, id, "", "paid", "cash"))
		require.Equal(t, "due:cash", result[string](t, id))
		// The SDK writes this time whatever the reset is to, and dies without one.
		if options.HistoryEventTime == nil {
			options.HistoryEventTime = &time.Time{}
		}
		options.SkipSignalReapply = ptr.Any(true)
		_, err := client.ResetWorkflow(ctx, id, "", &options)
		require.NoError(t, err, options.ResetType)
		eventually(t, func() bool { return len(trail(t, id)) == 2 })
		assert.Equal(t, iwfidl.RUNNING, status(t, id, ""), options.ResetType)
		require.NoError(t, client.SignalWorkflow(ctx, order{}, id, "", "paid", "card"))
		assert.Equal(t, "due:card", result[string](t, id))
	}
}

// The rest.

func TestAConfigIsUpdated(t *testing.T) {
	t.Parallel()
	id, _ := start(t, parked{}, nil, nil)
	require.NoError(t, client.UpdateWorkflowConfig(ctx, id, "", iwfidl.WorkflowConfig{
		DisableSystemSearchAttribute: ptr.Any(true), ContinueAsNewThreshold: iwfidl.PtrInt32(1), ContinueAsNewPageSizeInBytes: iwfidl.PtrInt32(1000),
	}))
	assert.Equal(t, iwfidl.RUNNING, status(t, id, ""))
}

func TestAClientWithoutARegistry(t *testing.T) {
	t.Parallel()
	id := id(t)
	kind := iwfidl.KEYWORD
	runID, err := unregistered.StartWorkflow(ctx, "sdkgo.order", "sdkgo.received", id, 60, nil, &iwf.UnregisteredWorkflowOptions{
		StartStateOptions:       &iwfidl.WorkflowStateOptions{SkipWaitUntil: ptr.Any(true)},
		InitialSearchAttributes: []iwfidl.SearchAttribute{{Key: ptr.Any("GoKeyword"), ValueType: &kind, StringValue: ptr.Any("v")}},
	})
	require.NoError(t, err)
	require.NoError(t, unregistered.SignalWorkflow(ctx, id, runID, "paid", "cash"))
	var told string
	require.NoError(t, unregistered.GetSimpleWorkflowResult(ctx, id, runID, &told))
	assert.Equal(t, "due:cash", told)
	values, err := unregistered.GetWorkflowDataAttributes(ctx, id, runID, []string{"trail", "unknown"})
	require.NoError(t, err)
	assert.Len(t, values, 1)
	numbers, err := unregistered.GetWorkflowSearchAttributes(ctx, id, runID, []iwfidl.SearchAttributeKeyAndType{
		{Key: ptr.Any("GoKeyword"), ValueType: &kind}, {Key: ptr.Any("IwfWorkflowType"), ValueType: &kind},
	})
	require.NoError(t, err)
	assert.Equal(t, "v", *numbers["GoKeyword"].StringValue)
	assert.Equal(t, "sdkgo.order", *numbers["IwfWorkflowType"].StringValue)
	assert.True(t, iwf.IsWorkflowNotExistsError(unregistered.SignalWorkflow(ctx, id, "", "paid", "late")))
}

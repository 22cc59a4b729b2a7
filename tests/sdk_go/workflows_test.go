package sdkgo

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/indeedeng/iwf-golang-sdk/gen/iwfidl"
	"github.com/indeedeng/iwf-golang-sdk/iwf"
)

func keys(kind iwfidl.PersistenceLoadingType, partial, locking []string) *iwfidl.PersistenceLoadingPolicy {
	return &iwfidl.PersistenceLoadingPolicy{PersistenceLoadingType: &kind, PartialLoadingKeys: partial, LockingKeys: locking}
}

// order counts how often its second state ran, and ends with what its signal brought: what a reset repeats shows.

type order struct{ iwf.WorkflowDefaults }

func (order) GetWorkflowStates() []iwf.StateDef {
	return []iwf.StateDef{iwf.StartingStateDef(received{}), iwf.NonStartingStateDef(paying{})}
}

func (order) GetPersistenceSchema() []iwf.PersistenceFieldDef {
	return []iwf.PersistenceFieldDef{iwf.DataAttributeDef("trail")}
}

func (order) GetCommunicationSchema() []iwf.CommunicationMethodDef {
	return []iwf.CommunicationMethodDef{iwf.SignalChannelDef("paid")}
}

func step(name string, persistence iwf.Persistence) {
	var trail []string
	persistence.GetDataAttribute("trail", &trail)
	persistence.SetDataAttribute("trail", append(trail, name))
}

type received struct {
	iwf.WorkflowStateDefaultsNoWaitUntil
}

func (received) Execute(ctx iwf.WorkflowContext, input iwf.Object, _ iwf.CommandResults, persistence iwf.Persistence, _ iwf.Communication) (*iwf.StateDecision, error) {
	step(ctx.GetStateExecutionId(), persistence)
	return iwf.SingleNextState(paying{}, "due"), nil
}

type paying struct{ iwf.WorkflowStateDefaults }

func (paying) WaitUntil(ctx iwf.WorkflowContext, input iwf.Object, persistence iwf.Persistence, _ iwf.Communication) (*iwf.CommandRequest, error) {
	step(ctx.GetStateExecutionId(), persistence)
	return iwf.AllCommandsCompletedRequest(iwf.NewSignalCommand("", "paid")), nil
}

func (paying) Execute(_ iwf.WorkflowContext, input iwf.Object, results iwf.CommandResults, _ iwf.Persistence, _ iwf.Communication) (*iwf.StateDecision, error) {
	var due, paid string
	input.Get(&due)
	results.GetSignalCommandResultByChannel("paid").SignalValue.Get(&paid)
	return iwf.GracefulCompleteWorkflow(due + ":" + paid), nil
}

// waiter waits for one of two things in a state, by combination or for any, and tells which came.

type waiter struct{ iwf.WorkflowDefaults }

func (waiter) GetWorkflowStates() []iwf.StateDef {
	return []iwf.StateDef{iwf.StartingStateDef(waiting{})}
}

func (w waiter) GetCommunicationSchema() []iwf.CommunicationMethodDef {
	return []iwf.CommunicationMethodDef{
		iwf.SignalChannelDef("left"), iwf.SignalChannelDef("right"), iwf.InternalChannelDef("inner"), iwf.RPCMethodDef(w.Publish, nil),
	}
}

func (waiter) Publish(_ iwf.WorkflowContext, input iwf.Object, _ iwf.Persistence, communication iwf.Communication) (interface{}, error) {
	var value *string
	input.Get(&value)
	if value == nil {
		communication.PublishInternalChannel("inner", nil)
	} else {
		communication.PublishInternalChannel("inner", *value)
	}
	return nil, nil
}

type waiting struct{ iwf.WorkflowStateDefaults }

func (waiting) WaitUntil(ctx iwf.WorkflowContext, input iwf.Object, persistence iwf.Persistence, _ iwf.Communication) (*iwf.CommandRequest, error) {
	var how string
	input.Get(&how)
	persistence.SetStateExecutionLocal("how", how)
	persistence.RecordEvent("asked", how)
	commands := []iwf.Command{
		iwf.NewTimerCommand("late", time.Now().Add(time.Hour)),
		iwf.NewTimerCommand("later", time.Now().Add(2*time.Hour)),
		iwf.NewSignalCommand("l", "left"),
		iwf.NewSignalCommand("r", "right"),
		iwf.NewInternalChannelCommand("i", "inner"),
	}
	if how == "combination" {
		return iwf.AnyCommandCombinationsCompletedRequest([][]string{{"l", "i"}, {"r", "later"}}, commands...), nil
	}
	return iwf.AnyCommandCompletedRequest(commands...), nil
}

func (waiting) Execute(ctx iwf.WorkflowContext, _ iwf.Object, results iwf.CommandResults, persistence iwf.Persistence, _ iwf.Communication) (*iwf.StateDecision, error) {
	var how, left, right, inner string
	persistence.GetStateExecutionLocal("how", &how)
	l, r, i := results.GetSignalCommandResultById("l"), results.GetSignalCommandResultById("r"), results.GetInternalChannelCommandResultById("i")
	l.SignalValue.Get(&left)
	r.SignalValue.Get(&right)
	i.Value.Get(&inner)
	return iwf.ForceCompleteWorkflow(fmt.Sprintf("%s: %s %s %s=%s %s=%s %s=%s %t", how,
		results.GetTimerCommandResultById("late").Status, results.GetTimerCommandResultById("later").Status,
		l.Status, left, r.Status, right, i.Status, inner, *results.GetStateWaitUntilApiSucceeded())), nil
}

// counter has no state to begin with: RPCs write, lock, fail and open states.

type counter struct{ iwf.WorkflowDefaults }

func (counter) GetWorkflowStates() []iwf.StateDef {
	return []iwf.StateDef{iwf.NonStartingStateDef(closing{})}
}

func (counter) GetPersistenceSchema() []iwf.PersistenceFieldDef {
	return []iwf.PersistenceFieldDef{iwf.DataAttributeDef("count"), iwf.DataAttributeDef("other"), iwf.SearchAttributeDef("GoCount", iwfidl.INT)}
}

func (c counter) GetCommunicationSchema() []iwf.CommunicationMethodDef {
	locked := &iwf.RPCOptions{DataAttributesLoadingPolicy: keys(iwfidl.PARTIAL_WITH_EXCLUSIVE_LOCK, []string{"count"}, []string{"count"})}
	partial := &iwf.RPCOptions{
		DataAttributesLoadingPolicy:   keys(iwfidl.PARTIAL_WITHOUT_LOCKING, []string{"other"}, nil),
		SearchAttributesLoadingPolicy: keys(iwfidl.NONE, nil, nil),
	}
	return []iwf.CommunicationMethodDef{
		iwf.RPCMethodDef(c.Increment, locked), iwf.RPCMethodDef(c.Peek, partial), iwf.RPCMethodDef(c.Panic, nil), iwf.RPCMethodDef(c.Close, nil),
		iwf.RPCMethodDef(c.Force, nil),
	}
}

func (counter) Increment(_ iwf.WorkflowContext, input iwf.Object, persistence iwf.Persistence, _ iwf.Communication) (interface{}, error) {
	var by, count int
	input.Get(&by)
	persistence.GetDataAttribute("count", &count)
	time.Sleep(50 * time.Millisecond)
	persistence.SetDataAttribute("count", count+by)
	persistence.SetDataAttribute("other", "seen")
	persistence.SetSearchAttributeInt("GoCount", int64(count+by))
	return count + by, nil
}

func (counter) Peek(_ iwf.WorkflowContext, _ iwf.Object, persistence iwf.Persistence, _ iwf.Communication) (interface{}, error) {
	var count int
	var other string
	persistence.GetDataAttribute("count", &count)
	persistence.GetDataAttribute("other", &other)
	return fmt.Sprint(count, other, persistence.GetSearchAttributeInt("GoCount")), nil
}

func (counter) Panic(iwf.WorkflowContext, iwf.Object, iwf.Persistence, iwf.Communication) (interface{}, error) {
	panic(errors.New("out of order"))
}

func (counter) Close(ctx iwf.WorkflowContext, input iwf.Object, _ iwf.Persistence, communication iwf.Communication) (interface{}, error) {
	communication.TriggerStateMovements(iwf.NewStateMovement(closing{}, ctx.GetWorkflowId()))
	return ctx.GetWorkflowRunId(), nil
}

func (counter) Force(_ iwf.WorkflowContext, _ iwf.Object, _ iwf.Persistence, communication iwf.Communication) (interface{}, error) {
	communication.TriggerStateMovements(iwf.StateMovement{NextStateId: iwf.ForceCompletingWorkflowStateId})
	return nil, nil
}

type closing struct {
	iwf.WorkflowStateDefaultsNoWaitUntil
}

func (closing) Execute(_ iwf.WorkflowContext, input iwf.Object, _ iwf.CommandResults, _ iwf.Persistence, _ iwf.Communication) (*iwf.StateDecision, error) {
	var id string
	input.Get(&id)
	return iwf.GracefulCompleteWorkflow(id), nil
}

// forked goes three ways at once, one of them to a dead end.

type forked struct{ iwf.WorkflowDefaults }

func (forked) GetWorkflowStates() []iwf.StateDef {
	return []iwf.StateDef{iwf.StartingStateDef(fork{}), iwf.NonStartingStateDef(branch{})}
}

type fork struct {
	iwf.WorkflowStateDefaultsNoWaitUntil
}

func (fork) Execute(iwf.WorkflowContext, iwf.Object, iwf.CommandResults, iwf.Persistence, iwf.Communication) (*iwf.StateDecision, error) {
	return iwf.MultiNextStatesWithInput(iwf.NewStateMovement(branch{}, "one"), iwf.NewStateMovement(branch{}, "two"), iwf.NewStateMovement(branch{}, "")), nil
}

type branch struct{ iwf.WorkflowStateDefaults }

func (branch) WaitUntil(iwf.WorkflowContext, iwf.Object, iwf.Persistence, iwf.Communication) (*iwf.CommandRequest, error) {
	return iwf.EmptyCommandRequest(), nil
}

func (branch) Execute(_ iwf.WorkflowContext, input iwf.Object, _ iwf.CommandResults, _ iwf.Persistence, _ iwf.Communication) (*iwf.StateDecision, error) {
	var name string
	input.Get(&name)
	if name == "" {
		return iwf.DeadEnd, nil
	}
	return iwf.GracefulCompleteWorkflow(name), nil
}

// attributes writes each kind of search attribute in one state, and reads it in the next, which loads some of them.

type attributes struct{ iwf.WorkflowDefaults }

func (attributes) GetWorkflowStates() []iwf.StateDef {
	return []iwf.StateDef{iwf.StartingStateDef(writing{}), iwf.NonStartingStateDef(reading{}), iwf.NonStartingStateDef(narrow{})}
}

func (attributes) GetPersistenceSchema() []iwf.PersistenceFieldDef {
	return []iwf.PersistenceFieldDef{
		iwf.DataAttributeDef("a"), iwf.DataAttributeDef("b"), iwf.DataAttributeDef("nothing"),
		iwf.SearchAttributeDef("GoKeyword", iwfidl.KEYWORD), iwf.SearchAttributeDef("GoText", iwfidl.TEXT), iwf.SearchAttributeDef("GoInt", iwfidl.INT),
		iwf.SearchAttributeDef("GoDouble", iwfidl.DOUBLE), iwf.SearchAttributeDef("GoBool", iwfidl.BOOL),
		iwf.SearchAttributeDef("GoArray", iwfidl.KEYWORD_ARRAY), iwf.SearchAttributeDef("GoTime", iwfidl.DATETIME),
	}
}

var moment = time.Date(2024, 2, 29, 12, 30, 15, 0, time.FixedZone("", 2*3600))

type writing struct {
	iwf.WorkflowStateDefaultsNoWaitUntil
}

func (writing) Execute(_ iwf.WorkflowContext, _ iwf.Object, _ iwf.CommandResults, p iwf.Persistence, _ iwf.Communication) (*iwf.StateDecision, error) {
	if got := p.GetSearchAttributeKeywordArray("GoArray"); len(got) != 2 || !p.GetSearchAttributeDatetime("GoTime").Equal(moment) {
		return nil, fmt.Errorf("initial search attributes were lost: %v", got)
	}
	p.SetSearchAttributeKeyword("GoKeyword", "k")
	p.SetSearchAttributeText("GoText", "some words")
	p.SetSearchAttributeInt("GoInt", 1<<53+1)
	p.SetSearchAttributeDouble("GoDouble", 3)
	p.SetSearchAttributeBool("GoBool", false)
	p.SetSearchAttributeKeywordArray("GoArray", []string{"x", "y", "z"})
	p.SetSearchAttributeDatetime("GoTime", moment.Add(time.Hour))
	p.SetDataAttribute("a", map[string]int{"one": 1})
	p.SetDataAttribute("b", []byte{0, 255})
	p.SetDataAttribute("nothing", nil)
	return iwf.SingleNextState(reading{}, nil), nil
}

type reading struct {
	iwf.WorkflowStateDefaultsNoWaitUntil
}

func (reading) Execute(_ iwf.WorkflowContext, _ iwf.Object, _ iwf.CommandResults, p iwf.Persistence, _ iwf.Communication) (*iwf.StateDecision, error) {
	var bytes []byte
	p.GetDataAttribute("b", &bytes)
	told := fmt.Sprintln(p.GetSearchAttributeKeyword("GoKeyword"), p.GetSearchAttributeText("GoText"), p.GetSearchAttributeInt("GoInt"),
		p.GetSearchAttributeDouble("GoDouble"), p.GetSearchAttributeBool("GoBool"), p.GetSearchAttributeKeywordArray("GoArray"),
		p.GetSearchAttributeDatetime("GoTime").Equal(moment.Add(time.Hour)), bytes)
	return iwf.SingleNextState(narrow{}, told), nil
}

type narrow struct {
	iwf.DefaultStateId
	iwf.NoWaitUntil
}

func (narrow) GetStateOptions() *iwf.StateOptions {
	return &iwf.StateOptions{
		DataAttributesLoadingPolicy:   keys(iwfidl.PARTIAL_WITH_EXCLUSIVE_LOCK, []string{"a"}, []string{"a"}),
		SearchAttributesLoadingPolicy: keys(iwfidl.PARTIAL_WITHOUT_LOCKING, []string{"GoInt"}, nil),
	}
}

func (narrow) Execute(_ iwf.WorkflowContext, input iwf.Object, _ iwf.CommandResults, p iwf.Persistence, _ iwf.Communication) (*iwf.StateDecision, error) {
	var told string
	var a map[string]int
	var b []byte
	input.Get(&told)
	p.GetDataAttribute("a", &a)
	p.GetDataAttribute("b", &b)
	return iwf.ForceCompleteWorkflow(strings.TrimSpace(fmt.Sprintln(strings.TrimSpace(told), a, b, p.GetSearchAttributeInt("GoInt"), p.GetSearchAttributeKeyword("GoKeyword")))), nil
}

// flaky fails at first: its state is tried again, or the whole workflow is.

type flaky struct{ iwf.WorkflowDefaults }

func (flaky) GetWorkflowStates() []iwf.StateDef {
	return []iwf.StateDef{iwf.StartingStateDef(trying{})}
}

type trying struct {
	iwf.DefaultStateId
	iwf.NoWaitUntil
}

func (trying) GetStateOptions() *iwf.StateOptions {
	return &iwf.StateOptions{
		ExecuteApiTimeoutSeconds: iwfidl.PtrInt32(1),
		ExecuteApiRetryPolicy: &iwfidl.RetryPolicy{
			InitialIntervalSeconds: iwfidl.PtrInt32(1), BackoffCoefficient: iwfidl.PtrFloat32(1), MaximumIntervalSeconds: iwfidl.PtrInt32(1),
			MaximumAttempts: iwfidl.PtrInt32(3),
		},
	}
}

func (trying) Execute(ctx iwf.WorkflowContext, _ iwf.Object, _ iwf.CommandResults, _ iwf.Persistence, _ iwf.Communication) (*iwf.StateDecision, error) {
	switch ctx.GetAttempt() {
	case 1:
		return nil, errors.New("not yet")
	case 2:
		// Beyond the attempt's timeout; the server hangs up.
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
		}
		return iwf.ForceCompletingWorkflow, nil
	}
	now := time.Now().Unix()
	if ctx.GetFirstAttemptTimestampSeconds() > now || ctx.GetWorkflowStartTimestampSeconds() > ctx.GetFirstAttemptTimestampSeconds() {
		return nil, errors.New("the clock runs backwards")
	}
	return iwf.ForceCompleteWorkflow(ctx.GetAttempt()), nil
}

// parked waits for ever.

type parked struct{ iwf.WorkflowDefaults }

// broken fails: by decision where it is told so, else by an error.

type broken struct{ iwf.WorkflowDefaults }

func (broken) GetWorkflowStates() []iwf.StateDef {
	return []iwf.StateDef{iwf.StartingStateDef(breaking{})}
}

type breaking struct {
	iwf.DefaultStateId
	iwf.NoWaitUntil
}

func (breaking) GetStateOptions() *iwf.StateOptions {
	return &iwf.StateOptions{ExecuteApiRetryPolicy: &iwfidl.RetryPolicy{MaximumAttempts: iwfidl.PtrInt32(1)}}
}

func (breaking) Execute(_ iwf.WorkflowContext, input iwf.Object, _ iwf.CommandResults, _ iwf.Persistence, _ iwf.Communication) (*iwf.StateDecision, error) {
	var decides bool
	input.Get(&decides)
	if decides {
		return iwf.ForceFailingWorkflow, nil
	}
	panic("no luck")
}

namespace Lanyard;

/// <summary>Holds a node's gate until it is disposed of.</summary>
internal readonly ref struct GateHold
{
    private readonly NodeRuntime _runtime;

    public GateHold(NodeRuntime runtime)
    {
        _runtime = runtime;
        runtime.Enter();
    }

    public void Dispose() => _runtime.Exit();
}

namespace Lanyard.Engine;

/// <summary>
/// Work that takes milliseconds and uses no state of the node: checking an identity, signing a configuration. A node queues it (<see cref="Node.TryTakeWork"/>); its
/// host runs it without the node's lock and returns it (<see cref="Node.CompleteWork"/>).
/// </summary>
public abstract class NodeWork
{
    private protected NodeWork()
    {
    }

    /// <summary>Does the work. Any thread may call it.</summary>
    public abstract void Run();

    /// <summary>Applies the result to the node.</summary>
    internal abstract void Complete(long nowMs);
}

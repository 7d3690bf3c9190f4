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

    /// <summary>The fault that ended <see cref="Run"/>; null if there was none. <see cref="Node.CompleteWork"/> reports it.</summary>
    internal Exception? Failure { get; private set; }

    /// <summary>Does the work. Any thread may call it. Never throws.</summary>
    public void Run()
    {
        try
        {
            RunCore();
        }
#pragma warning disable CA1031 // The caller is a thread of the host's pool: an exception would end the process. The node counts and reports it instead.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Failure = e;
        }
    }

    /// <summary>Applies the result to the node. After a failure, there is none, and the packet that caused the work is dropped.</summary>
    internal abstract void Complete(long nowMs);

    /// <summary>Does the work.</summary>
    private protected abstract void RunCore();
}

using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>
/// Raises a node's events, and writes what it logs, one after another, in order, on the thread pool, with no lock held: neither the app's handlers
/// nor its logger run under the gate.
/// </summary>
internal sealed class EventQueue(ILogger logger)
{
    private readonly object _lock = new();
    private readonly Queue<Action> _waiting = new();
    private Task _worker = Task.CompletedTask;

    public void Add(Action raise)
    {
        lock (_lock)
        {
            _waiting.Enqueue(raise);
            if (_waiting.Count == 1)
                _worker = Task.Run(RaiseAll);
        }
    }

    public void Log(Action<ILogger> log) => Add(() => log(logger));

    /// <summary>Ends when all that was added so far has been raised.</summary>
    public Task DrainAsync()
    {
        lock (_lock)
            return _worker;
    }

    private void RaiseAll()
    {
        while (true)
        {
            Action raise;
            lock (_lock)
                raise = _waiting.Peek();
            try
            {
                raise();
            }
#pragma warning disable CA1031 // A handler of the app's must not stop the events of others.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Lanyard.Log.EventHandlerFailed(logger, e);
            }

            lock (_lock)
            {
                _waiting.Dequeue();
                if (_waiting.Count == 0)
                    return;
            }
        }
    }
}

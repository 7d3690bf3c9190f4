using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>
/// Raises a node's events, and writes what it logs, one after another, in order, on the thread pool, with no lock held: neither the app's handlers
/// nor its logger run under the gate.
/// </summary>
internal sealed class EventQueue(ILogger logger)
{
    /// <summary>How many events wait at most before those that other nodes cause are dropped.</summary>
    public const int MaxCausedByOthers = 4_096;

    private readonly object _lock = new();
    private readonly Queue<Action> _waiting = new();
    private Task _worker = Task.CompletedTask;
    private long _dropped;

    /// <summary>Adds an event that this node's own doings cause, which bounds how many there are.</summary>
    public void Add(Action raise) => Add(raise, int.MaxValue);

    /// <summary>Adds an event that other nodes cause as often as they like: it is dropped where handlers do not keep up.</summary>
    public void AddCausedByOthers(Action<ILogger> raise) => Add(() => raise(logger), MaxCausedByOthers);

    public void Log(Action<ILogger> log) => Add(() => log(logger));

    /// <summary>Ends when all that was added so far has been raised.</summary>
    public Task DrainAsync()
    {
        lock (_lock)
            return _worker;
    }

    private void Add(Action raise, int capacity)
    {
        lock (_lock)
        {
            if (_waiting.Count >= capacity)
            {
                _dropped++;
                return;
            }

            _waiting.Enqueue(raise);
            if (_waiting.Count == 1)
                _worker = Task.Run(RaiseAll);
        }
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
                if (_waiting.Count == 0 && _dropped > 0)
                {
                    var dropped = _dropped;
                    _dropped = 0;
                    _waiting.Enqueue(() => Lanyard.Log.EventsDropped(logger, dropped));
                }

                if (_waiting.Count == 0)
                    return;
            }
        }
    }
}

using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>
/// Raises a node's events and writes its log messages one after another, in order, on the thread pool, with no lock held. Neither event handlers nor loggers of the
/// application run under the gate.
/// </summary>
internal sealed class EventQueue(ILogger logger)
{
    /// <summary>The number of queued events beyond which events that other nodes cause are dropped.</summary>
    public const int MaxCausedByOthers = 4_096;

    private readonly object _lock = new();
    private readonly Queue<Action> _waiting = new();
    private Task _worker = Task.CompletedTask;
    private long _dropped;

    /// <summary>Adds an event that this node itself causes. Their number is bounded.</summary>
    public void Add(Action raise) => Add(raise, int.MaxValue);

    /// <summary>Adds an event that other nodes can cause at any rate. It is dropped if the queue is long.</summary>
    public void AddCausedByOthers(Action<ILogger> raise) => Add(() => raise(logger), MaxCausedByOthers);

    public void Log(Action<ILogger> log) => Add(() => log(logger));

    /// <summary>Completes when all events added so far have been raised.</summary>
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
#pragma warning disable CA1031 // A failing event handler must not stop later events.
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

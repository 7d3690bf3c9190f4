namespace Lanyard;

/// <summary>Runs a node's timers when they are due. Running them returns the time in microseconds until the next one.</summary>
internal interface INodeTimer
{
    /// <summary>Starts, with a first run at once.</summary>
    void Start();

    /// <summary>Requests an earlier run than the last one returned.</summary>
    /// <param name="delayMicroseconds">The time until then.</param>
    void Advance(long delayMicroseconds);

    /// <summary>Stops, and waits for a run in progress. Not under the gate, and not from a run.</summary>
    void Stop();
}

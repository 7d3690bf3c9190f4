using System.Runtime.InteropServices;

namespace Lanyard.Cli;

/// <summary>Turns the signals that ask a process to end into a cancellation, so that what is open is closed in order.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <summary>Listens for them.</summary>
    /// <param name="withInterrupt">Whether SIGINT is one of them; for whoever runs a program it may be the program's.</param>
    /// <param name="withHangup">Whether SIGHUP is one of them; for a daemon it means something else.</param>
    public StopSignals(bool withInterrupt, bool withHangup)
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop));
        if (withInterrupt)
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop));
        if (withHangup)
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop));
    }

    /// <summary>Is cancelled by the first signal. A second one of the same kind ends the process as if nothing were here.</summary>
    public CancellationToken Token => _stop.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        if (_stop.IsCancellationRequested)
            return;
        context.Cancel = true;
        _stop.Cancel();
    }
}

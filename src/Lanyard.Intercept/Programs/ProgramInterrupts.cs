using System.Runtime.InteropServices;

namespace Lanyard.Intercept.Programs;

/// <summary>
/// Handles the signals of Ctrl-C and Ctrl-\\. While a program runs in the foreground, the terminal signals it as well, and the program
/// decides what to do. Before the program starts, and after it has ended, the signals cancel the command.
/// </summary>
public sealed class ProgramInterrupts : IDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly PosixSignalRegistration[] _registrations;
    private volatile bool _isPrograms;

    /// <param name="cancellation">Cancels the command, even while a program runs.</param>
    public ProgramInterrupts(CancellationToken cancellation)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGQUIT, Handle)];
    }

    /// <summary>Canceled when the command should end.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Leaves the signals to the program until the returned object is disposed.</summary>
    public IDisposable LeaveToProgram() => new Foreground(this);

    /// <summary>Restores the default handling of the signals.</summary>
    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!_isPrograms)
            _stop.Cancel();
    }

    private sealed class Foreground : IDisposable
    {
        private readonly ProgramInterrupts _interrupts;

        public Foreground(ProgramInterrupts interrupts)
        {
            _interrupts = interrupts;
            interrupts._isPrograms = true;
        }

        public void Dispose() => _interrupts._isPrograms = false;
    }
}

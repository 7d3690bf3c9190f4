using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>What a program's system call is answered with.</summary>
/// <param name="Kind">How.</param>
/// <param name="Value">What it gives: an error number as a negative one, as system calls have it.</param>
internal readonly record struct CallAnswer(CallAnswerKind Kind, long Value = 0)
{
    /// <summary>The system does what the program asked for: it is none of a virtual network's business.</summary>
    public static CallAnswer Continue => new(CallAnswerKind.Continue);

    /// <summary>It has its answer.</summary>
    public static CallAnswer Given => new(CallAnswerKind.Given);

    public static CallAnswer Of(long value) => new(CallAnswerKind.Value, value);

    public static CallAnswer Failed(int error) => new(CallAnswerKind.Value, -error);
}

/// <summary>How a call is answered.</summary>
internal enum CallAnswerKind
{
    Value,
    Continue,
    Given,
}

/// <summary>
/// A system call of a program that waits for its answer. The program may be killed at any moment, and its thread's number be another's then: what was
/// duplicated counts only if the call is valid afterwards.
/// </summary>
internal sealed unsafe class SupervisedCall(int listener, in Kernel.CallMessage message)
{
    private readonly Lock _lock = new();
    private readonly nuint[] _arguments = ArgumentsOf(message);
    private CancellationTokenSource? _interruption;
    private bool _isInterrupted;

    public ulong Id { get; } = message.Id;

    public int Thread { get; } = message.Thread;

    public SocketCall Call { get; } = SocketCalls.Of(message.Number);

    public ReadOnlySpan<nuint> Arguments => _arguments;

    /// <summary>Whether it waits for something that may take long.</summary>
    public bool IsWaiting
    {
        get
        {
            lock (_lock)
                return _interruption is not null;
        }
    }

    /// <summary>For what may take long: is canceled when the program is gone, or a signal waits for it.</summary>
    public CancellationToken Interrupted
    {
        get
        {
            lock (_lock)
            {
                _interruption ??= new CancellationTokenSource();
                if (_isInterrupted)
                    _interruption.Cancel();
                return _interruption.Token;
            }
        }
    }

    /// <summary>Whether the program still waits.</summary>
    public bool IsValid
    {
        get
        {
            var id = Id;
            return Kernel.Control(listener, Kernel.IsCallValid, &id) == 0;
        }
    }

    public void Interrupt()
    {
        CancellationTokenSource? interruption;
        lock (_lock)
        {
            _isInterrupted = true;
            interruption = _interruption;
        }

        interruption?.Cancel();
    }

    /// <summary>Opens the socket that the call is about. Null where that is none that could be virtual.</summary>
    /// <exception cref="OperationCanceledException">The program is gone.</exception>
    /// <exception cref="IOException">The system does not let this process have it.</exception>
    public SocketDescriptor? Open()
    {
        var descriptor = Kernel.Duplicate(Thread, (int)Arguments[0]);
        if (descriptor < 0)
        {
            return Libc.Error == Errno.BadDescriptor ? null
                : IsValid ? throw new IOException($"pidfd_getfd failed with error {Libc.Error}.") : throw new OperationCanceledException();
        }

        var socket = new SocketDescriptor(descriptor);
        if (socket.Domain == 0)
        {
            socket.Dispose();
            return null;
        }

        if (!IsValid)
        {
            socket.Dispose();
            throw new OperationCanceledException();
        }

        return socket;
    }

    /// <summary>Makes a socket for the program, as its user; null where there is none to be had.</summary>
    public SocketDescriptor? CreateSocket(int domain, int type, int protocol)
    {
        var descriptor = ProgramUser.Do(Thread, () => Libc.Socket(domain, type, protocol));
        return descriptor < 0 ? null : new SocketDescriptor(descriptor);
    }

    /// <summary>Runs an action as the program's user.</summary>
    public T DoAsUser<T>(Func<T> action) => ProgramUser.Do(Thread, action);

    /// <summary>Makes a socket like another one for the program, as its user; null where there is none to be had.</summary>
    public SocketDescriptor? CreateAlike(SocketDescriptor socket, int protocol = 0) => ProgramUser.Do(Thread, () => socket.CreateAlike(protocol));

    /// <summary>Binds a socket to a port of the system's network, as the program's user. Returns 0 or an errno.</summary>
    public int BindToPort(SocketDescriptor socket, ushort port) => ProgramUser.Do(Thread, () => socket.BindToPort(port));

    /// <summary>Creates a datagram socket, as the program's user, that carries another socket's datagrams to the system's network; returns null on failure.</summary>
    public SocketDescriptor? CreateOutside(SocketDescriptor socket)
    {
        var outside = CreateSocket(socket.Domain, Libc.DatagramType | Libc.CloseOnExec, 0);
        if (outside is not null)
            outside.Broadcasts = socket.Broadcasts;
        return outside;
    }

    /// <summary>Accepts a connection for the program, as its user. Gives the descriptor, or a negative number, and the name of the other end.</summary>
    public int Accept(SocketDescriptor listener, out byte[] name)
    {
        (var descriptor, name) = ProgramUser.Do(Thread, () => AcceptFrom(listener));
        return descriptor;
    }

    public bool TryRead(nuint address, Span<byte> to) => Kernel.TryRead(Thread, address, to);

    public bool TryRead<T>(nuint address, out T value)
        where T : unmanaged
    {
        Unsafe.SkipInit(out value);
        return Kernel.TryRead(Thread, address, MemoryMarshal.AsBytes(new Span<T>(ref value)));
    }

    public bool TryWrite(nuint address, ReadOnlySpan<byte> from) => Kernel.TryWrite(Thread, address, from);

    public bool TryWrite<T>(nuint address, T value)
        where T : unmanaged => Kernel.TryWrite(Thread, address, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    /// <summary>Reads a name. False where it is neither of IPv4 nor of IPv6.</summary>
    public bool TryReadName(nuint address, long length, out InetEndpoint endpoint)
    {
        Span<byte> name = stackalloc byte[SocketName.MaxBytes];
        endpoint = default;
        if (address == 0 || length is < sizeof(ushort) or > SocketName.MaxBytes || !TryRead(address, name[..(int)length]))
            return false;
        return SocketName.TryRead(name[..(int)length], out endpoint);
    }

    /// <summary>Writes a name as getsockname and others do: what does not fit is cut off, and the length is the whole. 0 or an error number.</summary>
    public int GiveName(nuint address, nuint lengthAddress, ReadOnlySpan<byte> name)
    {
        if (address == 0)
            return 0;
        if (!TryRead<int>(lengthAddress, out var room))
            return Errno.BadAddress;
        if (room < 0)
            return Errno.BadRequest;
        return TryWrite(address, name[..Math.Min(room, name.Length)]) && TryWrite(lengthAddress, name.Length) ? 0 : Errno.BadAddress;
    }

    /// <summary>The same, of an endpoint in the form of a socket's domain.</summary>
    public int GiveName(nuint address, nuint lengthAddress, InetEndpoint endpoint, int domain)
    {
        Span<byte> name = stackalloc byte[SocketName.MaxBytes];
        return GiveName(address, lengthAddress, name[..SocketName.Write(endpoint, domain, name)]);
    }

    /// <summary>Whether the program may open another descriptor. Always true before Linux 6.2, which does not report the number of open descriptors.</summary>
    public bool HasRoom() =>
        Libc.CountEntries(string.Create(CultureInfo.InvariantCulture, $"/proc/{Thread}/fd")) is not { } open || Kernel.MaxDescriptors(Thread) is not { } limit || open < limit;

    /// <summary>Gives the program a descriptor, and its number as the call's result. False: it does not wait any longer, or has no room (with an error).</summary>
    public bool TryGive(SocketDescriptor socket, bool closeOnExec, out int error)
    {
        var added = new Kernel.DescriptorMessage
        {
            Id = Id,
            Flags = Kernel.DescriptorMessage.AndAnswer,
            Source = socket.Number,
            DescriptorFlags = closeOnExec ? Libc.CloseOnExec : 0u,
        };
        error = Kernel.Control(listener, Kernel.AddDescriptor, &added) >= 0 ? 0 : Libc.Error;
        return error == 0;
    }

    /// <summary>Puts a descriptor in the place of the one that the call is about. 0 or an error number.</summary>
    public int Replace(SocketDescriptor socket)
    {
        var added = new Kernel.DescriptorMessage
        {
            Id = Id,
            Flags = Kernel.DescriptorMessage.AtNumber,
            Source = socket.Number,
            Number = (int)Arguments[0],
            DescriptorFlags = IsClosedOnExec() ? Libc.CloseOnExec : 0u,
        };
        return Kernel.Control(listener, Kernel.AddDescriptor, &added) >= 0 ? 0 : Libc.Error;
    }

    private static (int Descriptor, byte[] Name) AcceptFrom(SocketDescriptor listener)
    {
        var name = stackalloc byte[SocketName.MaxBytes];
        var length = SocketName.MaxBytes;
        var descriptor = Libc.Accept(listener.Number, name, &length, Libc.CloseOnExec);
        return (descriptor, descriptor < 0 ? [] : new ReadOnlySpan<byte>(name, Math.Min(length, SocketName.MaxBytes)).ToArray());
    }

    private static nuint[] ArgumentsOf(in Kernel.CallMessage message)
    {
        var arguments = new nuint[6];
        for (var i = 0; i < arguments.Length; i++)
            arguments[i] = (nuint)message.Arguments[i];
        return arguments;
    }

    // proc_pid_fdinfo(5): "flags:" and an octal number.
    private bool IsClosedOnExec()
    {
        try
        {
            foreach (var line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{Thread}/fdinfo/{(int)Arguments[0]}")))
            {
                if (line.StartsWith("flags:", StringComparison.Ordinal))
                    return (Convert.ToInt64(line[6..].Trim(), 8) & Libc.CloseOnExec) != 0;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is gone.
        }

        return false;
    }
}

using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>The answer to a program's system call.</summary>
/// <param name="Kind">The kind of answer.</param>
/// <param name="Value">The result of the call, or a negative errno.</param>
internal readonly record struct CallAnswer(CallAnswerKind Kind, long Value = 0)
{
    /// <summary>The kernel executes the call, which does not concern a virtual network.</summary>
    public static CallAnswer Continue => new(CallAnswerKind.Continue);

    /// <summary>The call is already answered.</summary>
    public static CallAnswer Answered => new(CallAnswerKind.Answered);

    public static CallAnswer Of(long value) => new(CallAnswerKind.Value, value);

    public static CallAnswer Failed(int error) => new(CallAnswerKind.Value, -error);
}

/// <summary>The kinds of answers.</summary>
internal enum CallAnswerKind
{
    Value,
    Continue,
    Answered,
}

/// <summary>
/// A pending system call of a program. The program may be killed at any moment, and another thread may then get its thread ID: a
/// duplicated descriptor counts only if the call is still valid afterwards.
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

    /// <summary>Whether the call waits for an event that may take long.</summary>
    public bool IsWaiting
    {
        get
        {
            lock (_lock)
                return _interruption is not null;
        }
    }

    /// <summary>Canceled when the program has ended or has a pending signal. For waits that may take long.</summary>
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

    /// <summary>Whether the program still waits for the call.</summary>
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

    /// <summary>Duplicates the socket of the call. Returns null for a descriptor that cannot be redirected.</summary>
    /// <exception cref="OperationCanceledException">The program has ended.</exception>
    /// <exception cref="IOException">The kernel does not permit this process to duplicate the descriptor.</exception>
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

    /// <summary>Creates a socket as the program's user. Returns null on failure.</summary>
    public SocketDescriptor? CreateSocket(int domain, int type, int protocol)
    {
        var descriptor = ProgramUser.RunAs(Thread, () => Libc.Socket(domain, type, protocol));
        return descriptor < 0 ? null : new SocketDescriptor(descriptor);
    }

    /// <summary>Runs an action as the program's user.</summary>
    public T RunAsUser<T>(Func<T> action) => ProgramUser.RunAs(Thread, action);

    /// <summary>Creates a socket like another socket, as the program's user. Returns null on failure.</summary>
    public SocketDescriptor? CreateAlike(SocketDescriptor socket, int protocol = 0) => ProgramUser.RunAs(Thread, () => socket.CreateAlike(protocol));

    /// <summary>Binds a socket to a port of the system's network, as the program's user. Returns 0 or an errno.</summary>
    public int BindToPort(SocketDescriptor socket, ushort port) => ProgramUser.RunAs(Thread, () => socket.BindToPort(port));

    /// <summary>Creates a datagram socket, as the program's user, that carries another socket's datagrams to the system's network; returns null on failure.</summary>
    public SocketDescriptor? CreateOutside(SocketDescriptor socket)
    {
        var outside = CreateSocket(socket.Domain, Libc.DatagramType | Libc.CloseOnExec, 0);
        if (outside is not null)
            outside.Broadcasts = socket.Broadcasts;
        return outside;
    }

    /// <summary>Accepts a connection as the program's user. Returns the descriptor, or a negative number, and the peer's socket address.</summary>
    public int Accept(SocketDescriptor listener, out byte[] name)
    {
        (var descriptor, name) = ProgramUser.RunAs(Thread, () => AcceptFrom(listener));
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

    /// <summary>Reads a socket address. Returns false unless it is of IPv4 or IPv6.</summary>
    public bool TryReadName(nuint address, long length, out InetEndpoint endpoint)
    {
        Span<byte> name = stackalloc byte[SocketName.MaxBytes];
        endpoint = default;
        if (address == 0 || length is < sizeof(ushort) or > SocketName.MaxBytes || !TryRead(address, name[..(int)length]))
            return false;
        return SocketName.TryRead(name[..(int)length], out endpoint);
    }

    /// <summary>Writes a socket address, truncated to the program's buffer, and its full length, as getsockname does. Returns 0 or an errno.</summary>
    public int WriteName(nuint address, nuint lengthAddress, ReadOnlySpan<byte> name)
    {
        if (address == 0)
            return 0;
        if (!TryRead<int>(lengthAddress, out var room))
            return Errno.BadAddress;
        if (room < 0)
            return Errno.BadRequest;
        return TryWrite(address, name[..Math.Min(room, name.Length)]) && TryWrite(lengthAddress, name.Length) ? 0 : Errno.BadAddress;
    }

    /// <summary>Writes an endpoint as a socket address of a domain. Returns 0 or an errno.</summary>
    public int WriteName(nuint address, nuint lengthAddress, InetEndpoint endpoint, int domain)
    {
        Span<byte> name = stackalloc byte[SocketName.MaxBytes];
        return WriteName(address, lengthAddress, name[..SocketName.Write(endpoint, domain, name)]);
    }

    /// <summary>Returns whether the program may open another descriptor. Always true before Linux 6.2, which does not report the number of open descriptors.</summary>
    public bool HasFreeDescriptor() =>
        Libc.CountEntries(string.Create(CultureInfo.InvariantCulture, $"/proc/{Thread}/fd")) is not { } open || Kernel.MaxDescriptors(Thread) is not { } limit || open < limit;

    /// <summary>
    /// Installs a descriptor in the program and answers the call with its number. Returns false, with an errno, if the program no longer waits or has no free
    /// descriptor.
    /// </summary>
    public bool TryInstall(SocketDescriptor socket, bool closeOnExec, out int error)
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

    /// <summary>Replaces the descriptor of the call. Returns 0 or an errno.</summary>
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
            // The descriptor is closed.
        }

        return false;
    }
}

using System.Net.Sockets;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>The base of exceptions for failures outside of the application. The message says what happened and what to do.</summary>
public class LanyardException : IOException
{
    /// <summary>Creates an exception with a message.</summary>
    public LanyardException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>The exception for a state folder, or a file in it, that cannot be used.</summary>
public class LanyardStateException : LanyardException
{
    /// <summary>Creates an exception about a file or folder.</summary>
    public LanyardStateException(string path, string message, Exception? innerException = null)
        : base(message, innerException) => Path = path;

    /// <summary>The path of the file or folder; for stores other than a folder, the name of the value.</summary>
    public string Path { get; }
}

/// <summary>The exception for a state folder that another process, or another node of this process, uses.</summary>
public sealed class LanyardStateInUseException : LanyardStateException
{
    /// <summary>Creates an exception about a folder.</summary>
    public LanyardStateInUseException(string path, Exception? innerException = null)
        : this(path, $"The state folder '{path}' is in use by another node. An identity may be in use once only. End the other "
            + "process, or give this one a folder of its own.", innerException)
    {
    }

    /// <summary>Creates an exception about a state folder with a custom message.</summary>
    internal LanyardStateInUseException(string path, string message, Exception? innerException)
        : base(path, message, innerException)
    {
    }
}

/// <summary>The reason why a network did not come up.</summary>
public enum LanyardNetworkFailure
{
    /// <summary>The controller refuses this node: it is not authorized.</summary>
    AccessDenied,

    /// <summary>The controller does not have this network, or the node is not a controller.</summary>
    NotFound,

    /// <summary>The controller requires the user to sign in first.</summary>
    AuthenticationRequired,

    /// <summary>The node is a member without an address.</summary>
    NoAddress,

    /// <summary>The controller did not answer in time.</summary>
    TimedOut,

    /// <summary>The network was left, or its node ended.</summary>
    Left,
}

/// <summary>The exception for a network that did not come up, or was left.</summary>
public sealed class LanyardNetworkException : LanyardException
{
    /// <summary>Creates an exception about a network.</summary>
    public LanyardNetworkException(NetworkId network, NodeAddress member, LanyardNetworkFailure failure, string message)
        : base(message)
    {
        Network = network;
        Member = member;
        Failure = failure;
    }

    /// <summary>The network.</summary>
    public NetworkId Network { get; }

    /// <summary>The address of this node: the member for the controller's owner to authorize.</summary>
    public NodeAddress Member { get; }

    /// <summary>The reason.</summary>
    public LanyardNetworkFailure Failure { get; }
}

/// <summary>
/// The exception for a connection, a datagram or a socket on a virtual network that failed. The inner exception is the <see cref="SocketException"/> that a socket of the
/// system would have thrown.
/// </summary>
public sealed class LanyardSocketException : LanyardException
{
    /// <summary>Creates an exception about a socket.</summary>
    /// <param name="error">The error code.</param>
    /// <param name="remote">The remote endpoint; the default value if there is none.</param>
    /// <param name="message">The message.</param>
    public LanyardSocketException(SocketError error, InetEndpoint remote, string message)
        : base(message, new SocketException((int)error))
    {
        SocketErrorCode = error;
        Remote = remote;
    }

    internal LanyardSocketException(NetError error, InetEndpoint remote, string message)
        : this(SocketErrors.Of(error), remote, message) => Error = error;

    /// <summary>The error code, as a socket of the system would report it.</summary>
    public SocketError SocketErrorCode { get; }

    /// <summary>The error of the stack; None if the exception does not come from it.</summary>
    internal NetError Error { get; }

    /// <summary>The remote endpoint; the default value if there is none.</summary>
    public InetEndpoint Remote { get; }
}

namespace Lanyard;

/// <summary>The reason why a name cannot be resolved on a virtual network.</summary>
public enum LanyardNameFailure
{
    /// <summary>The name is neither an IP address nor a node's address, and not in the domain of the network's DNS.</summary>
    NotOnNetwork,

    /// <summary>The network's DNS servers have no address for the name.</summary>
    NotFound,

    /// <summary>No DNS server of the network answered.</summary>
    NoAnswer,
}

/// <summary>Thrown when a name cannot be resolved on a virtual network.</summary>
public sealed class LanyardNameException : LanyardException
{
    /// <summary>Creates an exception.</summary>
    /// <param name="host">The name.</param>
    /// <param name="failure">The reason.</param>
    /// <param name="message">The message.</param>
    public LanyardNameException(string host, LanyardNameFailure failure, string message)
        : base(message)
    {
        Host = host;
        Failure = failure;
    }

    /// <summary>The name.</summary>
    public string Host { get; }

    /// <summary>The reason.</summary>
    public LanyardNameFailure Failure { get; }
}

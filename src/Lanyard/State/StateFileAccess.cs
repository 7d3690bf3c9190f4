namespace Lanyard;

/// <summary>The users that may read a file of a node's state. Only the owner may write it.</summary>
public enum StateFileAccess
{
    /// <summary>The owner (mode 0600).</summary>
    Owner,

    /// <summary>Everyone (mode 0644, less the process's umask).</summary>
    Everyone,
}

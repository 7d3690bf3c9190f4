namespace Lanyard.NetStack;

/// <summary>A linked list of connections in order of arrival. The links are in the connections, so a connection is in one list at most.</summary>
internal sealed class ConnectionList
{
    private TcpConnection? _last;

    public TcpConnection? First { get; private set; }

    public int Count { get; private set; }

    public void AddLast(TcpConnection connection)
    {
        connection.ListPrevious = _last;
        connection.ListNext = null;
        if (_last is null)
            First = connection;
        else
            _last.ListNext = connection;
        _last = connection;
        Count++;
    }

    /// <summary>Removes a connection, if it is in the list.</summary>
    public void Remove(TcpConnection connection)
    {
        if (connection.ListPrevious is null && First != connection)
            return;
        if (connection.ListPrevious is { } previous)
            previous.ListNext = connection.ListNext;
        else
            First = connection.ListNext;
        if (connection.ListNext is { } next)
            next.ListPrevious = connection.ListPrevious;
        else
            _last = connection.ListPrevious;
        connection.ListPrevious = null;
        connection.ListNext = null;
        Count--;
    }
}
